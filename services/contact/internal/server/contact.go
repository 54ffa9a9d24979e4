package server

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/text"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store"
)

// CreateContact implements ContactService.
func (s *Server) CreateContact(ctx context.Context, req *contactv1.CreateContactRequest) (*contactv1.Contact, error) {
	guard := contact.Guarded
	if req.GetAllowDuplicates() {
		guard = contact.Unguarded
	}
	return s.Store.CreateContact(ctx, auth.From(ctx).Tenant, req.GetContactId(), req.GetContact(), guard)
}

// GetContact implements ContactService.
func (s *Server) GetContact(ctx context.Context, req *contactv1.GetContactRequest) (*contactv1.Contact, error) {
	c, err := s.Store.Contacts.Read(ctx, auth.From(ctx).Tenant, req.GetName())
	if err != nil {
		return nil, err
	}
	return c, s.include(ctx, req, c)
}

// ListContacts implements ContactService.
func (s *Server) ListContacts(ctx context.Context, req *contactv1.ListContactsRequest) (*contactv1.ListContactsResponse, error) {
	if len(req.GetInclude()) > 0 && req.GetPageSize() > store.MaxIncluding {
		req.PageSize = store.MaxIncluding
	}
	list, next, err := s.Store.Contacts.List(ctx, auth.From(ctx).Tenant, req)
	if err != nil {
		return nil, err
	}
	return &contactv1.ListContactsResponse{Contacts: list, NextPageToken: next}, s.include(ctx, req, list...)
}

// UpdateContact implements ContactService.
func (s *Server) UpdateContact(ctx context.Context, req *contactv1.UpdateContactRequest) (*contactv1.Contact, error) {
	tenant := auth.From(ctx).Tenant
	updated, err := s.Store.Contacts.Update(ctx, tenant, req.GetContact(), req.GetUpdateMask())
	if !req.GetAllowMissing() || errs.Code(err) != codes.NotFound {
		return updated, err
	}
	created, err := s.Store.CreateContact(ctx, tenant, strings.TrimPrefix(req.GetContact().GetName(), "contacts/"), req.GetContact(), contact.Unguarded)
	if errs.Reason(err) == "CONTACT_EXISTS" { // another call created it meanwhile
		return s.Store.Contacts.Update(ctx, tenant, req.GetContact(), req.GetUpdateMask())
	}
	return created, err
}

// DeleteContact implements ContactService.
func (s *Server) DeleteContact(ctx context.Context, req *contactv1.DeleteContactRequest) (*contactv1.Contact, error) {
	return s.Store.Contacts.Delete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// UndeleteContact implements ContactService.
func (s *Server) UndeleteContact(ctx context.Context, req *contactv1.UndeleteContactRequest) (*contactv1.Contact, error) {
	return s.Store.Contacts.Undelete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// BatchCreateContacts implements ContactService.
func (s *Server) BatchCreateContacts(ctx context.Context, req *contactv1.BatchCreateContactsRequest) (*contactv1.BatchCreateContactsResponse, error) {
	var violations []errs.Violation
	for _, one := range req.GetRequests() {
		if one.GetRequestId() != "" || one.GetValidateOnly() {
			violations = append(violations, errs.Violation{
				Field: "requests", Description: "request_id and validate_only are those of the batch",
			})
			break
		}
	}
	if err := errs.Check(violations); err != nil {
		return nil, err
	}
	return s.Store.BatchCreateContacts(ctx, auth.From(ctx).Tenant, req.GetRequests())
}

// BatchGetContacts implements ContactService.
func (s *Server) BatchGetContacts(ctx context.Context, req *contactv1.BatchGetContactsRequest) (*contactv1.BatchGetContactsResponse, error) {
	if len(req.GetInclude()) > 0 && len(req.GetNames()) > store.MaxIncluding {
		return nil, errs.Invalid("names", "", "with include there are 200 at most")
	}
	list, err := s.Store.Contacts.ReadAll(ctx, auth.From(ctx).Tenant, req.GetNames())
	if err != nil {
		return nil, err
	}
	return &contactv1.BatchGetContactsResponse{Contacts: list}, s.include(ctx, req, list...)
}

// UpsertContact implements ContactService.
func (s *Server) UpsertContact(ctx context.Context, req *contactv1.UpsertContactRequest) (*contactv1.Contact, error) {
	return s.Store.UpsertContact(ctx, auth.From(ctx).Tenant, req)
}

// LookupContact implements ContactService.
func (s *Server) LookupContact(ctx context.Context, req *contactv1.LookupContactRequest) (*contactv1.LookupContactResponse, error) {
	tenant := auth.From(ctx).Tenant
	if _, ok := req.GetIdentifier().(*contactv1.LookupContactRequest_CustomerId); ok {
		id, ok := store.ParseCustomerID(req.GetCustomerId())
		if !ok {
			return nil, errs.Invalid("customer_id", "", `is not a Customer ID such as "C-000123"`)
		}
		found, err := s.Store.LookupCustomerID(ctx, tenant, id)
		if err != nil {
			return nil, err
		}
		return &contactv1.LookupContactResponse{Contacts: []*contactv1.Contact{found}}, nil
	}
	handle, err := handleOf(req)
	if err != nil {
		return nil, err
	}
	found, hidden, err := s.Store.Lookup(ctx, tenant, handle)
	return &contactv1.LookupContactResponse{Contacts: found, HiddenCount: int32(hidden)}, err
}

// handleOf reads what a look-up is by, into the form in which it is kept.
func handleOf(req *contactv1.LookupContactRequest) (contact.Handle, error) {
	switch req.GetIdentifier().(type) {
	case *contactv1.LookupContactRequest_Email:
		return handle("email", contact.Email, req.GetEmail(), "")
	case *contactv1.LookupContactRequest_Phone:
		return handle("phone", contact.Phone, req.GetPhone(), req.GetRegionCode())
	case *contactv1.LookupContactRequest_Card:
		return handle("card", contact.Card, req.GetCard(), "")
	case *contactv1.LookupContactRequest_Device:
		return handle("device", contact.Device, req.GetDevice(), "")
	default:
		id := req.GetExternalId()
		return contact.Handle{Kind: contact.ExternalID, Key: contact.ExternalKey(id.GetSystem(), id.GetId())}, nil
	}
}

func handle(field string, kind contact.IdentifierKind, value, region string) (contact.Handle, error) {
	i, err := store.Identify(kind, value, region)
	var wrong *text.Error
	if errors.As(err, &wrong) {
		return contact.Handle{}, errs.Invalid(field, wrong.Reason, wrong.Description)
	}
	return contact.Handle{Kind: kind, Key: i.Key}, err
}

// SearchContacts implements ContactService.
func (s *Server) SearchContacts(ctx context.Context, req *contactv1.SearchContactsRequest) (*contactv1.SearchContactsResponse, error) {
	list, err := s.Store.SearchContacts(ctx, auth.From(ctx).Tenant, req.GetQuery(), foundSize(req.GetPageSize()))
	return &contactv1.SearchContactsResponse{Contacts: list}, err
}

// AssignRole implements ContactService.
func (s *Server) AssignRole(ctx context.Context, req *contactv1.AssignRoleRequest) (*contactv1.Contact, error) {
	role, err := store.Role("role", req.GetRole())
	if err != nil {
		return nil, err
	}
	now := s.Store.Now()
	return s.Store.Contacts.Change(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag(), func(c *contact.Contact) ([]entity.Event, error) {
		return c.AssignRole(role, now)
	})
}

// ReviseRole implements ContactService.
func (s *Server) ReviseRole(ctx context.Context, req *contactv1.ReviseRoleRequest) (*contactv1.Contact, error) {
	return s.Store.ReviseRole(ctx, auth.From(ctx).Tenant, req)
}

// EndRole implements ContactService.
func (s *Server) EndRole(ctx context.Context, req *contactv1.EndRoleRequest) (*contactv1.Contact, error) {
	end, now := store.Instant(req.GetEndTime()), s.Store.Now()
	return s.Store.Contacts.Change(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag(), func(c *contact.Contact) ([]entity.Event, error) {
		return c.EndRole(contact.RoleKind(req.GetKind()), end, now)
	})
}
