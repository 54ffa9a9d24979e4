package check

import (
	"context"
	"fmt"
	"time"

	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
)

// rebuildTimeout bounds one rebuild.
const rebuildTimeout = 3 * time.Minute

// rebuild computes all projections anew, twice, with batches of different sizes,
// and expects the same bytes (I8).
func (r *Run) rebuild(ctx context.Context) Result {
	result := Result{ID: "I8", Title: "a rebuilt view is the same, byte for byte"}
	var events int64
	var rows int64
	for _, batch := range []int32{0, 7 + int32(r.Random.IntN(90))} {
		done, err := r.rebuildOnce(ctx, batch)
		if err != nil {
			result.breach("a rebuild in batches of %d: %v", batch, err)
			continue
		}
		events, rows = done.GetEventCount(), 0
		for _, p := range done.GetProjections() {
			rows += p.GetRowCount()
			if p.GetLiveSha256() != p.GetRebuiltSha256() {
				result.breach("%s differs when it is rebuilt in batches of %d", p.GetProjection(), batch)
			}
		}
	}
	result.Evidence = fmt.Sprintf("%d events into %d rows, twice", events, rows)
	return result
}

func (r *Run) rebuildOnce(ctx context.Context, batch int32) (*analyticsv1.RebuildProjectionsResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, rebuildTimeout)
	defer cancel()
	client := analyticsv1.NewEventStoreServiceClient(r.Load.Doors(0).GRPC)
	op, err := client.RebuildProjections(ctx, &analyticsv1.RebuildProjectionsRequest{BatchSize: batch, Compare: true})
	for err == nil && !op.GetDone() {
		time.Sleep(200 * time.Millisecond)
		op, err = client.GetRebuild(ctx, &analyticsv1.GetRebuildRequest{Name: op.GetName()})
	}
	if err != nil {
		return nil, err
	}
	if op.GetError() != nil {
		return nil, fmt.Errorf("it failed: %s", op.GetError().GetMessage())
	}
	var done analyticsv1.RebuildProjectionsResponse
	return &done, op.GetResponse().UnmarshalTo(&done)
}
