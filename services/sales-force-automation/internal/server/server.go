// Package server answers the calls of the sales area: it reads what a call asks
// for, lets the store run the rule, and answers.
//
// Each resource has a file. What a call needs of the contact service is asked
// before a transaction, never inside one.
package server

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/bulk"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/pipeline"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/server/imports"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/store"
)

// Server serves the area.
type Server struct {
	*store.Store
	// Contacts is the contact service, called as the calling user.
	Contacts contactv1.ContactServiceClient
	// Keys seal the personal fields of events.
	Keys eventlog.Keys
	// Now is the clock.
	Now func() time.Time

	salesv1.UnimplementedProductServiceServer
	salesv1.UnimplementedPriceListServiceServer
	salesv1.UnimplementedPipelineServiceServer
	salesv1.UnimplementedLeadServiceServer
	salesv1.UnimplementedOpportunityServiceServer
	salesv1.UnimplementedOrderServiceServer
}

// Imports answers the calls on the area's imports, of an engine that lacks only its
// kinds. AsService answers a context in which the service itself calls.
func (s *Server) Imports(asService func(context.Context, uuid.UUID) (context.Context, error), e bulk.Engine) *imports.Server {
	return imports.New(&imports.Importer{
		Store: s.Store, Contacts: s.Contacts, AsService: asService, Usable: s.usable, Now: s.now,
		Pipeline: func(ctx context.Context) (*pipeline.Pipeline, error) { return s.openPipeline(ctx, "") },
	}, e)
}

// Register offers all services of the area but its imports and its event log, which every
// process of Lingkar offers by itself.
func (s *Server) Register(r grpc.ServiceRegistrar) {
	salesv1.RegisterProductServiceServer(r, s)
	salesv1.RegisterPriceListServiceServer(r, s)
	salesv1.RegisterPipelineServiceServer(r, s)
	salesv1.RegisterLeadServiceServer(r, s)
	salesv1.RegisterOpportunityServiceServer(r, s)
	salesv1.RegisterOrderServiceServer(r, s)
}

// now is the time to the microsecond, which is what rows and events hold.
func (s *Server) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

func tenantOf(ctx context.Context) uuid.UUID { return auth.From(ctx).Tenant }

// everywhere answers a context in which the record scope does not narrow what is
// read: for what a rule must know of records that are not the subject of the
// call, such as the pipeline of a deal.
func everywhere(ctx context.Context) context.Context { return auth.WithScope(ctx, auth.All) }

// ownerOr answers the owner named, or the calling user where there is none. An
// API key or a service owns nothing.
func ownerOr(ctx context.Context, owner string) string {
	if subject := auth.From(ctx).Subject; owner == "" && strings.HasPrefix(subject, "users/") {
		return subject
	}
	return owner
}

// writes says whether an update writes a field: its mask names it, or all, or is
// empty while the field is set.
func writes(mask *fieldmaskpb.FieldMask, field string, set bool) bool {
	if len(mask.GetPaths()) == 0 {
		return set
	}
	for _, path := range mask.GetPaths() {
		if path == "*" || path == field {
			return true
		}
	}
	return false
}
