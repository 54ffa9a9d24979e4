package server

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store"
)

const (
	// syncLifetime is how long a client may be away.
	syncLifetime = 90 * 24 * time.Hour
	// The sizes of an answer of changes.
	defaultChanges = 100
	maxChanges     = 1000
	// watchPause is how often a stream looks for changes, and watchSilence after how
	// long it shows that it lives.
	watchPause   = 250 * time.Millisecond
	watchSilence = 15 * time.Second
)

var (
	errSyncToken   = errs.Invalid("sync_token", "SYNC_TOKEN_INVALID", "not a token of this caller and filter: begin again without one")
	errSyncExpired = errs.OutOfRange("SYNC_TOKEN_EXPIRED", "the token is too old, or from before the database was restored: begin again without one")
)

// SyncContacts implements SyncService.
func (s *Server) SyncContacts(ctx context.Context, req *contactv1.SyncContactsRequest) (*contactv1.SyncContactsResponse, error) {
	if err := s.Changes.WaitFor(ctx, call.From(ctx).MinPosition); err != nil {
		return nil, err
	}
	at, err := s.open(ctx, req.GetSyncToken(), req.GetFilter())
	if err != nil {
		return nil, err
	}
	size := int(req.GetPageSize())
	if size == 0 {
		size = defaultChanges
	}
	last, err := s.Store.LastChange(ctx, auth.From(ctx).Tenant)
	if err != nil {
		return nil, err
	}
	if at.number > last {
		return nil, errSyncExpired
	}
	changes, err := s.next(ctx, &at, req.GetFilter(), min(size, maxChanges))
	if err != nil {
		return nil, err
	}
	more := at.number < last
	if !more {
		at.begin = false
	}
	resp := &contactv1.SyncContactsResponse{More: more}
	for _, c := range changes {
		resp.Changes = append(resp.Changes, c.Change)
	}
	resp.NextSyncToken, err = s.seal(ctx, at, req.GetFilter())
	return resp, err
}

// WatchContacts implements SyncService.
func (s *Server) WatchContacts(req *contactv1.WatchContactsRequest, stream grpc.ServerStreamingServer[contactv1.WatchContactsResponse]) error {
	ctx := stream.Context()
	at, err := s.open(ctx, req.GetSyncToken(), req.GetFilter())
	if err != nil {
		return err
	}
	last, err := s.Store.LastChange(ctx, auth.From(ctx).Tenant)
	switch {
	case err != nil:
		return err
	case req.GetSyncToken() == "":
		at.number, at.begin = last, false
	case at.number > last:
		return errSyncExpired
	}
	w := watch{server: s, stream: stream, filter: req.GetFilter(), at: at}
	if err := s.Store.CheckFilter(ctx, auth.From(ctx).Tenant, w.filter); err != nil {
		return err // of the filter, before the first answer
	}
	return w.follow(ctx)
}

// PushContacts implements SyncService.
func (s *Server) PushContacts(ctx context.Context, req *contactv1.PushContactsRequest) (*contactv1.PushContactsResponse, error) {
	// A version with fields left out cannot be told from one in which they were emptied.
	if err := s.Rules.Whole(ctx, true, contactType); err != nil {
		return nil, err
	}
	results, err := s.Store.Push(ctx, auth.From(ctx).Tenant, req)
	if err != nil {
		return nil, err
	}
	return &contactv1.PushContactsResponse{Results: results}, nil
}

// place is how far a client has come.
type place struct {
	number int64
	// begin tells that it is still on its first way through, and holds nothing that it
	// would have to forget.
	begin bool
}

// next answers the changes after a place, and moves it behind them.
func (s *Server) next(ctx context.Context, at *place, filter string, size int) ([]store.NumberedChange, error) {
	changes, last, err := s.Store.ChangesAfter(ctx, auth.From(ctx).Tenant, store.ChangesQuery{After: at.number, Limit: size, Filter: filter, Begin: at.begin})
	at.number = last
	return changes, err
}

// open reads a token: the number, whether the client begins, and when it was made.
func (s *Server) open(ctx context.Context, token, filter string) (place, error) {
	if token == "" {
		return place{begin: true}, nil
	}
	cursor, err := s.Store.DB().PageCursor(token, binding(ctx, filter))
	if err != nil || len(cursor) != 3 {
		return place{}, errSyncToken
	}
	var values [3]int64
	for i := range values {
		value, ok := cursor[i].(int64)
		if !ok {
			return place{}, errSyncToken
		}
		values[i] = value
	}
	if s.Store.Now().Sub(time.Unix(values[2], 0)) > syncLifetime {
		return place{}, errSyncExpired
	}
	return place{number: values[0], begin: values[1] == 1}, nil
}

func (s *Server) seal(ctx context.Context, at place, filter string) (string, error) {
	begin := int64(0)
	if at.begin {
		begin = 1
	}
	return s.Store.DB().LastingToken([]any{at.number, begin, s.Store.Now().Unix()}, binding(ctx, filter))
}

// binding is whose a token is, and of what: with another record scope, other contacts
// would have to be forgotten.
func binding(ctx context.Context, filter string) []byte {
	caller := auth.From(ctx)
	all, owner, teams := record.Reach(ctx)
	teams = slices.Sorted(slices.Values(teams))
	return fmt.Appendf(nil, "sync contacts %s %q %t %q %q %q", caller.Tenant, caller.Subject, all, owner, strings.Join(teams, "\n"), filter)
}

// watch is one stream of changes. It holds no change: each time it asks what came after
// its place.
type watch struct {
	server *Server
	stream grpc.ServerStreamingServer[contactv1.WatchContactsResponse]
	filter string
	at     place
}

func (w *watch) follow(ctx context.Context) error {
	if err := w.send(ctx, nil, w.at); err != nil {
		return err
	}
	tick := time.NewTicker(watchPause)
	defer tick.Stop()
	for said := time.Now(); ; {
		before := w.at.number
		changes, err := w.server.next(ctx, &w.at, w.filter, defaultChanges)
		if err != nil {
			return err
		}
		for _, c := range changes {
			if err := w.send(ctx, c.Change, place{number: c.Number, begin: w.at.begin}); err != nil {
				return err
			}
			said = time.Now()
		}
		if w.at.number > before {
			continue
		}
		w.at.begin = false
		if time.Since(said) >= watchSilence {
			if err := w.send(ctx, nil, w.at); err != nil {
				return err
			}
			said = time.Now()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// send tells a change, or that the stream lives, and where it is.
func (w *watch) send(ctx context.Context, c *contactv1.ContactChange, at place) error {
	token, err := w.server.seal(ctx, at, w.filter)
	if err != nil {
		return err
	}
	return w.stream.Send(&contactv1.WatchContactsResponse{Change: c, SyncToken: token})
}
