// Package server answers the calls about segments, campaigns and touches, and
// does the work that goes on behind them: looking up members and sending touches.
//
// That work stands in the database, in steps that are each one transaction. A
// worker claims it, and whoever claims it after a restart goes on with the next
// step. What a step needs of the contact service is asked before its transaction,
// never inside one.
package server

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/store"
)

// Server implements the services of the campaign area.
type Server struct {
	campaignv1.UnsafeSegmentServiceServer
	campaignv1.UnsafeCampaignServiceServer
	campaignv1.UnsafeTouchServiceServer

	Store *store.Store
	// Contacts and Consents are the contact service.
	Contacts contactv1.ContactServiceClient
	Consents contactv1.ConsentServiceClient
	// AsService answers a context in which this service itself calls, in the
	// tenant, for a minute.
	AsService func(ctx context.Context, tenant uuid.UUID) (context.Context, error)
	// Keys seal the personal fields of events.
	Keys eventlog.Keys
	// Now is the clock.
	Now func() time.Time
	// Logger is for what an operator must know.
	Logger *slog.Logger

	lookups, sends bell
}

// now answers the time as the database keeps it.
func (s *Server) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

func tenantOf(ctx context.Context) uuid.UUID { return auth.From(ctx).Tenant }

var errEtag = errs.Aborted("ETAG_MISMATCH", "the record was changed since it was read: read it again")

// sameEtag compares the etag that a caller read, if any, with the present one.
func sameEtag(read, present string) error {
	if read != "" && read != present {
		return errEtag
	}
	return nil
}
