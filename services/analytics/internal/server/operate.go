package server

import (
	"context"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	statuspb "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store"
)

const (
	operationPrefix  = "operations/analytics-"
	deadLetterPrefix = "deadLetters/"
)

// GetFreshness answers how far each area is applied.
func (s *Server) GetFreshness(ctx context.Context, _ *analyticsv1.GetFreshnessRequest) (*analyticsv1.Freshness, error) {
	applied, deadLetters, err := s.Store.Applied(ctx)
	if err != nil {
		return nil, err
	}
	answer := &analyticsv1.Freshness{DeadLetterCount: deadLetters}
	for _, area := range store.Areas {
		answer.Areas = append(answer.Areas, freshnessOf(area, applied[area], ask(ctx, s.Runner.Sources[area])))
	}
	return answer, nil
}

func freshnessOf(area string, applied map[int32]int64, h areaHeads) *analyticsv1.AreaFreshness {
	answer := &analyticsv1.AreaFreshness{Area: area}
	if h.err != nil {
		answer.Error = statuspb.Convert(h.err).Proto()
	}
	for partition, position := range applied {
		head := h.positions[partition]
		if position == 0 && head == 0 {
			continue
		}
		answer.Lag += max(0, head-position)
		answer.Partitions = append(answer.Partitions, &analyticsv1.PartitionFreshness{Partition: partition, AppliedPosition: position, HeadPosition: head})
	}
	slices.SortFunc(answer.Partitions, func(a, b *analyticsv1.PartitionFreshness) int {
		return int(a.GetPartition() - b.GetPartition())
	})
	return answer
}

// RebuildProjections asks for every projection to be built anew.
func (s *Server) RebuildProjections(ctx context.Context, req *analyticsv1.RebuildProjectionsRequest) (*longrunningpb.Operation, error) {
	op, err := store.Once(ctx, s.Store, func(tx store.Tx) (op *longrunningpb.Operation, refused, err error) {
		r, err := s.Store.StartRebuild(ctx, tx, int(req.GetBatchSize()), req.GetCompare())
		if err == nil {
			op, err = s.operation(r)
		}
		return op, nil, err
	})
	s.Store.WakeRebuilds()
	return op, err
}

// GetRebuild answers the state of a rebuild.
func (s *Server) GetRebuild(ctx context.Context, req *analyticsv1.GetRebuildRequest) (*longrunningpb.Operation, error) {
	text, ok := strings.CutPrefix(req.GetName(), operationPrefix)
	id, parsed := entity.ParseID(text)
	if !ok || !parsed {
		return nil, errs.Invalid("name", "", `must be "operations/analytics-{uuid}"`)
	}
	r, err := s.Store.GetRebuild(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.operation(r)
}

func (s *Server) operation(r store.Rebuild) (*longrunningpb.Operation, error) {
	metadata := &analyticsv1.RebuildProjectionsMetadata{
		Done: r.Done, Total: max(r.Done, r.Total), CreateTime: timestamppb.New(r.CreatedAt), Attempts: int32(r.Attempts),
	}
	if r.StartedAt != nil {
		metadata.StartTime = timestamppb.New(*r.StartedAt)
		until := s.Now()
		if r.EndedAt != nil {
			until = *r.EndedAt
		}
		if took := until.Sub(*r.StartedAt).Seconds(); took > 0 {
			metadata.Rate = float64(r.Done) / took
		}
	}
	packed, err := anypb.New(metadata)
	if err != nil {
		return nil, err
	}
	op := &longrunningpb.Operation{Name: operationPrefix + r.ID.String(), Metadata: packed, Done: r.State != store.Running}
	switch r.State {
	case store.Done:
		result, err := anypb.New(rebuilt(r))
		op.Result = &longrunningpb.Operation_Response{Response: result}
		return op, err
	case store.Failed:
		op.Result = &longrunningpb.Operation_Error{Error: &status.Status{Code: int32(codes.Internal), Message: "the rebuild failed: " + r.Cause}}
	}
	return op, nil
}

func rebuilt(r store.Rebuild) *analyticsv1.RebuildProjectionsResponse {
	answer := &analyticsv1.RebuildProjectionsResponse{EventCount: r.Done}
	for _, d := range r.Digests {
		answer.Projections = append(answer.Projections, &analyticsv1.ProjectionDigest{
			Projection: d.Projection, RowCount: d.Rows, LiveSha256: d.Live, RebuiltSha256: d.Rebuilt,
		})
	}
	return answer
}

// ListDeadLetters lists the parked events.
func (s *Server) ListDeadLetters(ctx context.Context, req *analyticsv1.ListDeadLettersRequest) (*analyticsv1.ListDeadLettersResponse, error) {
	binding := []byte("deadLetters|" + auth.From(ctx).Subject)
	after, err := s.deadLetterKey(req.GetPageToken(), binding)
	if err != nil {
		return nil, err
	}
	limit := pageOf(req.GetPageSize())
	parked, err := s.Runner.Parked(ctx, after, limit+1)
	if err != nil {
		return nil, err
	}
	answer := &analyticsv1.ListDeadLettersResponse{}
	if len(parked) > limit {
		parked = parked[:limit]
		last := parked[limit-1].Event
		if answer.NextPageToken, err = s.Store.PageToken([]any{last.GetArea(), int64(last.GetPartition()), last.GetPosition()}, binding); err != nil {
			return nil, err
		}
	}
	for _, p := range parked {
		answer.DeadLetters = append(answer.DeadLetters, &analyticsv1.DeadLetter{
			Name: deadLetterPrefix + p.Event.GetId(), Event: p.Event, Cause: p.Cause, Attempts: int32(p.Attempts),
			CreateTime: timestamppb.New(p.ParkedAt), Area: p.Event.GetArea(), Partition: p.Event.GetPartition(), Position: p.Event.GetPosition(),
		})
	}
	return answer, nil
}

func (s *Server) deadLetterKey(token string, binding []byte) (*eventv1.Event, error) {
	if token == "" {
		return nil, nil
	}
	cursor, err := s.Store.PageCursor(token, binding)
	if err != nil {
		return nil, err
	}
	if len(cursor) != 3 {
		return nil, errs.Invalid("page_token", "PAGE_TOKEN_INVALID", "not a token of this list: start again without one")
	}
	area, _ := cursor[0].(string)
	partition, _ := cursor[1].(int64)
	position, _ := cursor[2].(int64)
	return &eventv1.Event{Area: area, Partition: int32(partition), Position: position}, nil
}

// RetryDeadLetter applies a parked event and those behind it.
func (s *Server) RetryDeadLetter(ctx context.Context, req *analyticsv1.RetryDeadLetterRequest) (*analyticsv1.RetryDeadLetterResponse, error) {
	id, err := deadLetterID(req.GetName())
	if err != nil {
		return nil, err
	}
	return store.Once(ctx, s.Store, func(tx store.Tx) (*analyticsv1.RetryDeadLetterResponse, error, error) {
		applied, still, err := s.Runner.RetryParked(ctx, tx, id)
		return &analyticsv1.RetryDeadLetterResponse{AppliedCount: int64(applied)}, still, err
	})
}

// DiscardDeadLetter gives a parked event up and applies those behind it.
func (s *Server) DiscardDeadLetter(ctx context.Context, req *analyticsv1.DiscardDeadLetterRequest) (*analyticsv1.DiscardDeadLetterResponse, error) {
	id, err := deadLetterID(req.GetName())
	if err != nil {
		return nil, err
	}
	return store.Once(ctx, s.Store, func(tx store.Tx) (*analyticsv1.DiscardDeadLetterResponse, error, error) {
		applied, still, err := s.Runner.DiscardParked(ctx, tx, id, req.GetReason())
		return &analyticsv1.DiscardDeadLetterResponse{AppliedCount: int64(applied)}, still, err
	})
}

func deadLetterID(name string) (uuid.UUID, error) {
	text, ok := strings.CutPrefix(name, deadLetterPrefix)
	id, parsed := entity.ParseID(text)
	if !ok || !parsed {
		return id, errs.Invalid("name", "", `must be "deadLetters/{event id}"`)
	}
	return id, nil
}

func timeOf(micros int64) time.Time { return time.UnixMicro(micros).UTC() }
