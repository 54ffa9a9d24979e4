package store

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

const (
	// dossierPage is how many interactions one part holds at most.
	dossierPage = 200
	// dossierBytes ends a part earlier: documents count with their whole text.
	dossierBytes = 3 << 20
)

// Dossier answers a part of all that is held on a person, and the token of the next:
// everything but interactions and their documents stands in the first. That it was
// asked for is noted in the audit log.
func (s *Store) Dossier(ctx context.Context, tenant uuid.UUID, name, token, form string) (*contactv1.ContactData, string, error) {
	c, err := s.Contacts.Get(ctx, tenant, name)
	if err != nil {
		return nil, "", err
	}
	data := &contactv1.ContactData{}
	next, err := s.talks(ctx, tenant, name, token, data)
	if err != nil {
		return nil, "", err
	}
	if token == "" {
		data.Contact = contactProto(c)
		data.Contact.AllowedActions = nil
		if err := s.rest(ctx, tenant, name, data); err != nil {
			return nil, "", err
		}
	}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	eventlog.QueueAudit(b, eventlog.AuditEntry{
		Tenant: tenant, RecordedAt: s.Now(), Resource: name, Note: "disclosed to SUBJECT by ExportContactData as " + form,
	}.By(ctx))
	return data, next, postgres.Run(ctx, s.db, b)
}

// talks adds the next interactions with their documents: fewer at a time where the
// documents are long.
func (s *Store) talks(ctx context.Context, tenant uuid.UUID, name, token string, data *contactv1.ContactData) (string, error) {
	of, err := s.OfContact(ctx, tenant, name)
	if err != nil {
		return "", err
	}
	for size := int32(dossierPage); ; size /= 4 {
		list, next, err := s.Interactions.List(ctx, tenant, &contactv1.ListInteractionsRequest{PageSize: size, PageToken: token}, of)
		if err != nil {
			return "", err
		}
		documents, whole, err := s.documentsOf(ctx, tenant, list, size)
		if err != nil {
			return "", err
		}
		if whole {
			data.Interactions, data.Documents = list, documents
			return next, nil
		}
	}
}

// documentsOf reads the documents of interactions; false where they are too long for
// one part and there is more than one interaction.
func (s *Store) documentsOf(ctx context.Context, tenant uuid.UUID, list []*contactv1.Interaction, size int32) (documents []*contactv1.Document, whole bool, err error) {
	bytes := 0
	for _, i := range list {
		bytes += proto.Size(i)
		if i.GetBodyDocument() == "" {
			continue
		}
		d, err := s.GetDocument(ctx, tenant, i.GetBodyDocument())
		if err != nil {
			return nil, false, err
		}
		bytes += proto.Size(d)
		if bytes > dossierBytes && size > 3 {
			return nil, false, nil
		}
		documents = append(documents, d)
	}
	return documents, true, nil
}

// rest adds what stands in the first part alone.
func (s *Store) rest(ctx context.Context, tenant uuid.UUID, name string, data *contactv1.ContactData) error {
	with, err := s.WithContact(ctx, tenant, name)
	if err != nil {
		return err
	}
	of, err := s.OfContact(ctx, tenant, name)
	if err != nil {
		return err
	}
	data.Relationships, err = every(func(token string) ([]*contactv1.Relationship, string, error) {
		return s.Relationships.List(ctx, tenant, &contactv1.ListRelationshipsRequest{PageSize: postgres.MaxPageSize, PageToken: token}, with)
	})
	if err != nil {
		return err
	}
	data.Consents, err = every(func(token string) ([]*contactv1.Consent, string, error) {
		return s.Consents.List(ctx, tenant, &contactv1.ListConsentsRequest{PageSize: postgres.MaxPageSize, PageToken: token}, of)
	})
	if err != nil {
		return err
	}
	data.EmployeeRecords, err = every(func(token string) ([]*contactv1.EmployeeRecord, string, error) {
		return s.EmployeeRecords.List(ctx, tenant, &contactv1.ListEmployeeRecordsRequest{PageSize: postgres.MaxPageSize, PageToken: token}, of)
	})
	if err != nil {
		return err
	}
	files, err := every(func(token string) ([]*contactv1.Document, string, error) {
		return s.Documents.List(ctx, tenant, &contactv1.ListDocumentsRequest{PageSize: postgres.MaxPageSize, PageToken: token, ShowDeleted: true}, of)
	})
	if err != nil {
		return err
	}
	for _, d := range files {
		if d.GetInteraction() == "" {
			data.Documents = append(data.Documents, d)
		}
	}
	data.Facts, err = every(func(token string) ([]*contactv1.Fact, string, error) {
		return s.Facts.List(ctx, tenant, &contactv1.ListFactsRequest{PageSize: postgres.MaxPageSize, PageToken: token}, of)
	})
	if err != nil {
		return err
	}
	data.InformationRequests, err = every(func(token string) ([]*contactv1.InformationRequest, string, error) {
		return s.InformationRequests.List(ctx, tenant, &contactv1.ListInformationRequestsRequest{PageSize: postgres.MaxPageSize, PageToken: token}, of)
	})
	if err != nil {
		return err
	}
	data.PortalAccesses, err = every(func(token string) ([]*contactv1.PortalAccess, string, error) {
		return s.PortalAccesses.List(ctx, tenant, &contactv1.ListPortalAccessesRequest{PageSize: postgres.MaxPageSize, PageToken: token}, of)
	})
	if err != nil {
		return err
	}
	lifecycle := lifecycles + strings.TrimPrefix(name, contacts)
	if data.Lifecycle, err = s.Lifecycle(ctx, tenant, lifecycle); err != nil {
		return err
	}
	data.LifecycleTransitions, err = every(func(token string) ([]*contactv1.LifecycleTransition, string, error) {
		page, err := s.LifecycleTransitions(ctx, tenant, &contactv1.ListLifecycleTransitionsRequest{Name: lifecycle, PageSize: maxTransitions, PageToken: token})
		return page.GetTransitions(), page.GetNextPageToken(), err
	})
	if err != nil {
		return err
	}
	if data.FieldVerifications, err = s.verifications(ctx, tenant, name); err != nil {
		return err
	}
	audits, err := s.AuditEntries(ctx, tenant, name, maxAudits, "")
	data.AuditEntries = audits.GetAuditEntries()
	return err
}

// every answers the records of all pages.
func every[R any](page func(token string) ([]R, string, error)) (all []R, err error) {
	for token := ""; ; {
		list, next, err := page(token)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
		if token = next; token == "" {
			return all, nil
		}
	}
}
