// Package server answers the calls about tickets and queues: it reads names and
// messages, lets the store run the rules, and answers.
//
// A ticket's contact is known from the events of the contact area; only one that
// no event has told of yet is asked for, outside of any transaction.
package server

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/services/service-ticket/internal/store"
)

// Server implements the services of the ticket area.
type Server struct {
	ticketv1.UnsafeTicketServiceServer
	ticketv1.UnsafeQueueServiceServer

	Store *store.Store
	// Contacts is the contact service, called as the calling user.
	Contacts contactv1.ContactServiceClient
	// Now is the clock.
	Now func() time.Time
}

// now answers the time as the database keeps it.
func (s *Server) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

func tenantOf(ctx context.Context) uuid.UUID { return auth.From(ctx).Tenant }

// introduced writes something about a contact. Where the contact turns out to be
// unknown here, the contact service is asked, and it is written once more: so one
// that was created a moment ago works, and the others cost nothing.
func introduced[P any](ctx context.Context, s *Server, contact string, write func() (P, error)) (P, error) {
	answer, err := write()
	if errs.Reason(err) != "CONTACT_NOT_FOUND" {
		return answer, err
	}
	if err := s.introduce(ctx, contact); err != nil {
		return answer, err
	}
	return write()
}

// introduce asks the contact service for a contact and notes that it exists. The
// error says why it cannot be used.
func (s *Server) introduce(ctx context.Context, name string) error {
	c, err := s.Contacts.GetContact(ctx, &contactv1.GetContactRequest{Name: name})
	switch {
	case err != nil:
		return err
	case c.GetDeleteTime() != nil && c.GetMergedInto() == "":
		return store.ErrContactDeleted
	}
	var r fields.Reader
	id := r.Ref("contact", "contacts", c.GetName())
	if err := r.Err(); err != nil {
		return err
	}
	return s.Store.LearnContact(ctx, tenantOf(ctx), id)
}
