package server

import (
	"context"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/store"
)

const (
	// pageSize is how many contacts are asked for at once.
	pageSize = 1000
	// previewPages is how many such pages a preview counts.
	previewPages = 10
	// sampleSize is how many contacts a preview shows where the caller does not
	// say.
	sampleSize = 10
)

// nameOnly asks for nothing but the names of contacts.
var nameOnly = &fieldmaskpb.FieldMask{Paths: []string{"name"}}

// usability asks for what tells whether contacts may be in a segment: one whose
// processing is restricted may not.
var usability = &fieldmaskpb.FieldMask{Paths: []string{"name", "restrict_time"}}

// definition is what tells whom a segment is for.
type definition interface {
	GetFilter() string
	GetContacts() []string
}

// checkDefinition asks the contact service whether it understands the filter and
// knows the named contacts. The prefix is where the definition stands in the
// request.
func (s *Server) checkDefinition(ctx context.Context, prefix string, d definition) error {
	if d.GetFilter() != "" {
		_, err := s.Contacts.ListContacts(ctx, &contactv1.ListContactsRequest{Filter: d.GetFilter(), PageSize: 1, ReadMask: nameOnly})
		if err := refusedFilter(prefix+"filter", err); err != nil {
			return err
		}
	}
	if len(d.GetContacts()) > 0 {
		r := fields.Reader{In: strings.TrimSuffix(prefix, ".")}
		if store.ReadDefinition(&r, d); r.Err() != nil {
			return r.Err()
		}
		_, err := s.Contacts.BatchGetContacts(ctx, &contactv1.BatchGetContactsRequest{Names: d.GetContacts(), ReadMask: nameOnly})
		return err
	}
	return nil
}

// refusedFilter tells, where the contact service refused a filter, which field of
// our request that was.
func refusedFilter(field string, err error) error {
	if errs.Code(err) != codes.InvalidArgument {
		return err
	}
	for _, v := range errs.FieldViolations(err) {
		if v.Field == "filter" {
			return errs.Invalid(field, v.Reason, v.Description)
		}
	}
	return err
}

// writes says whether an update may write a field: its mask names it or all, or is
// empty.
func writes(mask *fieldmaskpb.FieldMask, field string) bool {
	for _, path := range mask.GetPaths() {
		if path == "*" || path == field {
			return true
		}
	}
	return len(mask.GetPaths()) == 0
}

// PreviewSegment implements campaignv1.SegmentServiceServer.
func (s *Server) PreviewSegment(ctx context.Context, req *campaignv1.PreviewSegmentRequest) (*campaignv1.PreviewSegmentResponse, error) {
	if req.GetFilter() == "" && len(req.GetContacts()) == 0 {
		return nil, errs.Invalid("filter", "SEGMENT_UNDEFINED", "a segment needs a filter or named contacts")
	}
	if err := s.checkDefinition(ctx, "", req); err != nil {
		return nil, err
	}
	p := preview{limit: int(req.GetSampleSize()), seen: map[string]bool{}}
	if p.limit == 0 {
		p.limit = sampleSize
	}
	named, err := s.usable(ctx, req.GetContacts())
	if err != nil {
		return nil, err
	}
	p.add(named...)
	more, err := s.countFilter(ctx, req.GetFilter(), &p)
	if err != nil {
		return nil, err
	}
	return &campaignv1.PreviewSegmentResponse{Count: int64(len(p.seen)), CountIsLowerBound: more, Sample: p.sample}, nil
}

// countFilter adds the first contacts that the filter finds, and says whether
// there are more.
func (s *Server) countFilter(ctx context.Context, filter string, p *preview) (more bool, err error) {
	if filter == "" {
		return false, nil
	}
	req := &contactv1.ListContactsRequest{Filter: filter, PageSize: pageSize, OrderBy: "create_time", ReadMask: usability}
	for range previewPages {
		page, err := s.Contacts.ListContacts(ctx, req)
		if err != nil {
			return false, err
		}
		for _, c := range page.GetContacts() {
			if c.GetRestrictTime() == nil {
				p.add(c.GetName())
			}
		}
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			return false, nil
		}
	}
	return true, nil
}

// preview counts contacts, each once, and keeps the first.
type preview struct {
	limit  int
	seen   map[string]bool
	sample []string
}

func (p *preview) add(names ...string) {
	for _, name := range names {
		if !p.seen[name] && len(p.sample) < p.limit {
			p.sample = append(p.sample, name)
		}
		p.seen[name] = true
	}
}
