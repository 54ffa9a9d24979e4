package server

import (
	"context"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store/projection"
)

// WatchCustomer tells what happens to a customer as it becomes visible.
func (s *Server) WatchCustomer(req *analyticsv1.WatchCustomerRequest, stream grpc.ServerStreamingServer[analyticsv1.WatchCustomerResponse]) error {
	ctx := stream.Context()
	ref, err := refOf("name", req.GetName())
	if err != nil {
		return err
	}
	caller := auth.From(ctx)
	customer, err := s.Store.Find(ctx, caller.Tenant, ref)
	if err != nil {
		return err
	}
	if err := visible(ctx, ref, customer); err != nil {
		return err
	}
	areas, _ := history(caller, nil)
	f := feed{store: s.Store, tenant: caller.Tenant, filter: store.EventFilter{Contact: customer.Contact, Areas: areas}}
	reach := reachOf(caller)
	return f.follow(ctx, req.GetCursor(), func(e store.Stored) error {
		if seen, err := s.Store.Reaches(ctx, caller.Tenant, reach, e.Event); err != nil || !seen {
			return err
		}
		entry, err := projection.EntryOf(e.Event)
		if err != nil {
			return err
		}
		return stream.Send(&analyticsv1.WatchCustomerResponse{Entry: entry, Cursor: cursorText(e.Arrival)})
	})
}

// WatchEvents tells a tenant's events as they are stored.
func (s *Server) WatchEvents(req *analyticsv1.WatchEventsRequest, stream grpc.ServerStreamingServer[analyticsv1.WatchEventsResponse]) error {
	contact, err := contactOf("contact", req.GetContact())
	if err != nil {
		return err
	}
	filter := store.EventFilter{Contact: contact}
	if len(req.GetTypes()) > 0 {
		filter.Types = req.GetTypes()
	}
	f := feed{store: s.Store, tenant: auth.From(stream.Context()).Tenant, filter: filter}
	return f.follow(stream.Context(), req.GetCursor(), func(e store.Stored) error {
		return stream.Send(&analyticsv1.WatchEventsResponse{Event: e.Event, Cursor: cursorText(e.Arrival)})
	})
}

// ListEvents answers stored events after a cursor.
func (s *Server) ListEvents(ctx context.Context, req *analyticsv1.ListEventsRequest) (*analyticsv1.ListEventsResponse, error) {
	after, err := cursorOf(req.GetCursor())
	if err != nil {
		return nil, err
	}
	contact, err := contactOf("contact", req.GetContact())
	if err != nil {
		return nil, err
	}
	filter := store.EventFilter{Contact: contact}
	if len(req.GetTypes()) > 0 {
		filter.Types = req.GetTypes()
	}
	page, err := s.Store.Events(ctx, auth.From(ctx).Tenant, after, filter, pageOf(req.GetPageSize()))
	if err != nil {
		return nil, err
	}
	answer := &analyticsv1.ListEventsResponse{NextCursor: cursorText(page.Next), More: page.More}
	for _, e := range page.Events {
		answer.Events = append(answer.Events, e.Event)
	}
	return answer, nil
}

var errCursor = errs.Invalid("cursor", "CURSOR_INVALID", "must be a cursor of an earlier answer, or empty")

// cursorOf reads a cursor; 0 where it is empty. It holds no authority: the tenant
// is the caller's.
func cursorOf(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	arrival, err := strconv.ParseInt(text, 36, 64)
	if err != nil || arrival < 0 {
		return 0, errCursor
	}
	return arrival, nil
}

func cursorText(arrival int64) string { return strconv.FormatInt(arrival, 36) }

// catchUpPage is how many events one read of a stream that catches up takes.
const catchUpPage = 200

// feed is a stream of a tenant's events to one reader.
type feed struct {
	store  *store.Store
	tenant uuid.UUID
	filter store.EventFilter
}

// follow sends the events after a cursor, or from now on where it is empty, each
// once and in the order of their arrival, until the context ends.
func (f feed) follow(ctx context.Context, cursor string, send func(store.Stored) error) error {
	last, err := cursorOf(cursor)
	if err != nil {
		return err
	}
	fromNow := cursor == ""
	for {
		sub, err := f.store.Subscribe(ctx, f.tenant, f.filter.Contact)
		if err != nil {
			return err
		}
		if fromNow {
			last, fromNow = sub.From, false
		}
		if last > sub.From {
			sub.Close()
			return errCursor // of a time to come, or of another store: it would wait for ever
		}
		last, err = f.relay(ctx, sub, last, send)
		sub.Close()
		if err != nil {
			return err
		}
	}
}

// relay reads what was stored before the subscription, then passes on its news. It
// ends without an error where the reader was too slow for them.
func (f feed) relay(ctx context.Context, sub *store.Subscription, last int64, send func(store.Stored) error) (int64, error) {
	for more := last < sub.From; more; {
		page, err := f.store.Events(ctx, f.tenant, last, f.filter, catchUpPage)
		if err != nil {
			return last, err
		}
		for _, e := range page.Events {
			if err := send(e); err != nil {
				return last, err
			}
		}
		last, more = page.Next, page.More
	}
	for {
		select {
		case <-ctx.Done():
			return last, ctx.Err()
		case e, there := <-sub.News:
			if !there {
				return last, nil
			}
			if e.Arrival <= last {
				continue
			}
			last = e.Arrival
			if !f.wants(e) {
				continue
			}
			open, err := f.store.Unsealed(ctx, e)
			if err != nil {
				return last, err
			}
			if err := send(open); err != nil {
				return last, err
			}
		}
	}
}

func (f feed) wants(e store.Stored) bool {
	return (f.filter.Types == nil || slices.Contains(f.filter.Types, e.GetType())) &&
		(f.filter.Areas == nil || slices.Contains(f.filter.Areas, e.GetArea()))
}
