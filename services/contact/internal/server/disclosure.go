package server

import (
	"context"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/disclosure"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store"
)

// CreateRecipient implements DisclosureService.
func (s *Server) CreateRecipient(ctx context.Context, req *contactv1.CreateRecipientRequest) (*contactv1.Recipient, error) {
	return s.Store.Recipients.Create(ctx, auth.From(ctx).Tenant, req.GetRecipientId(), req.GetRecipient())
}

// GetRecipient implements DisclosureService.
func (s *Server) GetRecipient(ctx context.Context, req *contactv1.GetRecipientRequest) (*contactv1.Recipient, error) {
	return s.Store.Recipients.Read(ctx, auth.From(ctx).Tenant, req.GetName())
}

// ListRecipients implements DisclosureService.
func (s *Server) ListRecipients(ctx context.Context, req *contactv1.ListRecipientsRequest) (*contactv1.ListRecipientsResponse, error) {
	list, next, err := s.Store.Recipients.List(ctx, auth.From(ctx).Tenant, req)
	return &contactv1.ListRecipientsResponse{Recipients: list, NextPageToken: next}, err
}

// UpdateRecipient implements DisclosureService.
func (s *Server) UpdateRecipient(ctx context.Context, req *contactv1.UpdateRecipientRequest) (*contactv1.Recipient, error) {
	return s.Store.Recipients.Update(ctx, auth.From(ctx).Tenant, req.GetRecipient(), req.GetUpdateMask())
}

// DeleteRecipient implements DisclosureService.
func (s *Server) DeleteRecipient(ctx context.Context, req *contactv1.DeleteRecipientRequest) (*contactv1.Recipient, error) {
	return s.Store.Recipients.Delete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// UndeleteRecipient implements DisclosureService.
func (s *Server) UndeleteRecipient(ctx context.Context, req *contactv1.UndeleteRecipientRequest) (*contactv1.Recipient, error) {
	return s.Store.Recipients.Undelete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// ScreenDisclosure implements DisclosureService.
func (s *Server) ScreenDisclosure(ctx context.Context, req *contactv1.ScreenDisclosureRequest) (*contactv1.ScreenDisclosureResponse, error) {
	r := &fields.Reader{}
	q := store.Screening{
		Class: disclosure.Class(req.GetRecipientClass()), Recipient: req.GetRecipient(), Output: req.GetOutput(),
		Erasure: req.GetErasure(), Together: req.GetTogether(),
		Contacts: make([]uuid.UUID, len(req.GetContacts())),
	}
	for i, name := range req.GetContacts() {
		q.Contacts[i] = r.Ref(fields.Index("contacts", i), "contacts", name)
	}
	if q.Recipient != "" {
		r.Ref("recipient", "recipients", q.Recipient)
	}
	if (q.Class == 0) == (q.Recipient == "") {
		r.Fail("recipient_class", "", "give the class of the recipient, or the name of one on file")
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return s.Store.Screen(ctx, auth.From(ctx).Tenant, q)
}

// ListAuditEntries implements DisclosureService.
func (s *Server) ListAuditEntries(ctx context.Context, req *contactv1.ListAuditEntriesRequest) (*contactv1.ListAuditEntriesResponse, error) {
	return s.Store.AuditEntries(ctx, auth.From(ctx).Tenant, req.GetParent(), req.GetPageSize(), req.GetPageToken())
}
