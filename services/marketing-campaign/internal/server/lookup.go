package server

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/survivor"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/segment"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/store"
)

// FindMembers looks up the members of segments until the context ends.
func (s *Server) FindMembers(ctx context.Context) error {
	return work(ctx, s, "find members", &s.lookups, s.Store.ClaimLookup, s.find, s.Store.ReleaseLookup)
}

// find looks up the members of one version of a segment, page by page.
func (s *Server) find(ctx context.Context, l *store.Lookup) error {
	for {
		done, err := s.findPage(ctx, l)
		switch {
		case errs.Reason(err) == "PAGE_TOKEN_INVALID" && l.PageToken != "":
			err = s.Store.RestartLookup(ctx, l) // the token is too old, or its key was changed
		case final(err):
			return s.endLookup(ctx, l, func(g *segment.Segment) []entity.Event { return g.Fail(l.Version, errs.Reason(err)) })
		}
		if err != nil || done {
			return err
		}
	}
}

// final says whether the contact service will give the same answer for ever.
func final(err error) bool {
	return errs.Code(err) == codes.InvalidArgument || errs.Reason(err) == "FILTER_TOO_EXPENSIVE"
}

// findPage stores the next page of members, and with the first those that are
// named. It answers true when the last one stands.
func (s *Server) findPage(ctx context.Context, l *store.Lookup) (done bool, err error) {
	ctx, err = s.AsService(ctx, l.Tenant)
	if err != nil {
		return false, err
	}
	g, err := s.Store.Segments.Get(ctx, l.Tenant, fields.Name("segments", &l.Segment))
	if err != nil {
		return false, err
	}
	found, next, err := s.matching(ctx, g.Filter, l.PageToken)
	if err != nil {
		return false, err
	}
	if l.PageToken == "" {
		named, err := s.named(ctx, g)
		if err != nil {
			return false, err
		}
		found = append(found, named...)
	}
	if err := s.Store.AddMembers(ctx, l, found, next); err != nil || next != "" {
		return false, err
	}
	count, err := s.Store.CountMembers(ctx, l.Tenant, l.Segment, l.Version)
	if err != nil {
		return false, err
	}
	return true, s.endLookup(ctx, l, func(g *segment.Segment) []entity.Event { return g.Complete(l.Version, count, s.now()) })
}

// matching answers a page of the contacts that a filter finds.
func (s *Server) matching(ctx context.Context, filter, token string) (found []uuid.UUID, next string, err error) {
	if filter == "" {
		return nil, "", nil
	}
	page, err := s.Contacts.ListContacts(ctx, &contactv1.ListContactsRequest{
		Filter: filter, PageSize: pageSize, PageToken: token, OrderBy: "create_time", ReadMask: usability,
	})
	if err != nil {
		return nil, "", err
	}
	var r fields.Reader
	for i, c := range page.GetContacts() {
		if c.GetRestrictTime() == nil {
			found = append(found, r.Ref(fields.Index("contacts", i), "contacts", c.GetName()))
		}
	}
	if r.Err() != nil {
		return nil, "", errs.Internal(r.Err())
	}
	return found, page.GetNextPageToken(), nil
}

// named answers the contacts that a segment names and whose data may be used; for those
// that were merged, their survivors.
func (s *Server) named(ctx context.Context, g *segment.Segment) (ids []uuid.UUID, err error) {
	ends, err := survivor.Of(ctx, s.Store.DB, tenantOf(ctx), g.Contacts)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(ends))
	for i := range ends {
		names[i] = fields.Name("contacts", &ends[i])
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if names, err = s.usable(ctx, names); err != nil {
		return nil, err
	}
	var r fields.Reader
	for i, name := range names {
		ids = append(ids, r.Ref(fields.Index("contacts", i), "contacts", name))
	}
	return ids, r.Err()
}

// usable answers those of the contacts that are named whose data may be used.
func (s *Server) usable(ctx context.Context, names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	page, err := s.Contacts.BatchGetContacts(ctx, &contactv1.BatchGetContactsRequest{Names: names, ReadMask: usability})
	if err != nil {
		return nil, err
	}
	restricted := map[string]bool{}
	for _, c := range page.GetContacts() {
		restricted[c.GetName()] = c.GetRestrictTime() != nil
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return restricted[name] }), nil
}

// endLookup notes how a look-up ended.
func (s *Server) endLookup(ctx context.Context, l *store.Lookup, end func(*segment.Segment) []entity.Event) error {
	ctx, err := s.AsService(ctx, l.Tenant)
	if err != nil {
		return err
	}
	_, err = s.Store.Segments.Change(ctx, l.Tenant, fields.Name("segments", &l.Segment), "", func(g *segment.Segment) ([]entity.Event, error) {
		return end(g), nil
	})
	return err
}
