// Package server answers the calls of analytics: it parses what is asked, asks the
// store, and says what a caller may see of the answer.
package server

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store"
)

// Server answers the calls of analytics.
type Server struct {
	analyticsv1.UnimplementedCustomerViewServiceServer
	analyticsv1.UnimplementedPyramidServiceServer
	analyticsv1.UnimplementedEventStoreServiceServer

	Store  *store.Store
	Runner *eventlog.Runner
	Now    func() time.Time
	Logger *slog.Logger

	heads heads
}

// Register adds the server's services.
func (s *Server) Register(r grpc.ServiceRegistrar) {
	analyticsv1.RegisterCustomerViewServiceServer(r, s)
	analyticsv1.RegisterPyramidServiceServer(r, s)
	analyticsv1.RegisterEventStoreServiceServer(r, s)
}

const (
	customerPrefix = "customers/"
	contactPrefix  = "contacts/"

	defaultPage = 50
	maxPage     = 1000
)

// refOf reads the name of a customer: its Customer ID, or its contact's id.
func refOf(field, name string) (store.Ref, error) {
	segment, ok := strings.CutPrefix(name, customerPrefix)
	if !ok || segment == "" || strings.Contains(segment, "/") {
		return store.Ref{}, errs.Invalid(field, "", `must be "customers/{Customer ID}" or "customers/{contact's uuid}"`)
	}
	if id, ok := entity.ParseID(segment); ok {
		return store.Ref{Name: name, Contact: id}, nil
	}
	return store.Ref{Name: name, Number: segment}, nil
}

// contactOf reads the name of a contact; uuid.Nil where it is empty.
func contactOf(field, name string) (uuid.UUID, error) {
	if name == "" {
		return uuid.Nil, nil
	}
	segment, ok := strings.CutPrefix(name, contactPrefix)
	id, parsed := entity.ParseID(segment)
	if !ok || !parsed {
		return uuid.Nil, errs.Invalid(field, "", `must be "contacts/{uuid}"`)
	}
	return id, nil
}

// pageOf reads the size of a page.
func pageOf(size int32) int {
	if size == 0 {
		return defaultPage
	}
	return min(int(size), maxPage)
}

// instantOf reads what instant is asked about. An unset effective_at is as_of,
// and an unset as_of is now.
func (s *Server) instantOf(asOf, effectiveAt *timestamppb.Timestamp) (store.Instant, error) {
	now := s.Now()
	at := store.Instant{AsOf: now, EffectiveAt: now}
	if asOf != nil {
		if !asOf.IsValid() || asOf.AsTime().After(now) {
			return at, errs.Invalid("as_of", "", "must be a time of the past")
		}
		at = store.Instant{AsOf: asOf.AsTime(), EffectiveAt: asOf.AsTime(), Past: true}
	}
	if effectiveAt != nil {
		if !effectiveAt.IsValid() {
			return at, errs.Invalid("effective_at", "", "must be a time")
		}
		at.EffectiveAt = effectiveAt.AsTime()
	}
	return at, nil
}

// settle waits until the projections show what the caller has written, where it
// says what that is.
func (s *Server) settle(ctx context.Context) error {
	return s.Runner.WaitFor(ctx, call.From(ctx).MinPosition)
}

// visible answers NOT_FOUND for a customer that is outside the caller's records,
// as for one that is not there.
func visible(ctx context.Context, ref store.Ref, c store.Customer) error {
	caller := auth.From(ctx)
	switch auth.ScopeFrom(ctx) {
	case auth.All:
		return nil
	case auth.Team:
		for _, team := range caller.Teams {
			if team == c.Team {
				return nil
			}
		}
		fallthrough
	case auth.Own:
		if c.Owner == caller.Subject {
			return nil
		}
	}
	return errs.NotFound("customer", ref.Name)
}
