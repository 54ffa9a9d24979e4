package server

import (
	"context"

	"github.com/lingkar-crm/lingkar/pkg/bulk"
	"github.com/lingkar-crm/lingkar/pkg/customfield"
	"github.com/lingkar-crm/lingkar/pkg/record"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store"
)

// contactType is the type of a contact among resources.
const contactType = "lingkar.dev/Contact"

// contactImports is the kind of file that brings contacts and accounts.
func contactImports(s *store.Store) bulk.Kind {
	return bulk.Kind{
		Name: "contacts", Fields: importFields, Known: knownImportField, System: importSystem,
		Writes: []string{contactType},
		Parse:  func(ctx context.Context, job *bulk.Job, row bulk.Row) any { return parseContact(ctx, s, job, row) },
		Named:  s.CustomFieldNamed,
		Step: func(ctx context.Context, u *record.Unit, job *bulk.Job, rows []bulk.Row) ([]bulk.Outcome, error) {
			outcomes := make([]bulk.Outcome, 0, len(rows))
			var items []store.Incoming
			for _, row := range rows {
				switch parsed := row.Parsed.(type) {
				case store.Incoming:
					items = append(items, parsed)
				case bulk.Outcome:
					outcomes = append(outcomes, parsed)
				case error:
					return nil, parsed
				}
			}
			more, err := s.ImportContacts(ctx, u, job, items)
			return append(outcomes, more...), err
		},
		Undo: s.UndoImport(),
	}
}

// parseContact answers the store.Incoming that a row is, or the bulk.Outcome of one
// that is none.
func parseContact(ctx context.Context, s *store.Store, job *bulk.Job, row bulk.Row) any {
	if saysNothing(row) {
		return bulk.Empty(row.Line)
	}
	rules, err := s.ContactRules(ctx, job.Tenant)
	if err != nil {
		return err
	}
	c, err := incomingOf(row, job.Import, rules)
	switch {
	case err != nil:
		return bulk.Failed(row.Line, err)
	case row.First(fieldDeleted) == "true":
		return bulk.Outcome{
			Line: row.Line, What: bulkv1.ImportOutcome_IMPORT_OUTCOME_SKIPPED, Reason: "ROW_DELETED", Message: "the record is deleted in the other system",
		}
	}
	item, err := s.Incoming(row.Line, c.Contact, c.read, c.remarks, rules)
	if err != nil {
		return bulk.Failed(row.Line, err)
	}
	return item
}

// incomingOf reads the contact that a row speaks of: by its columns, or as the vCard
// that it is.
func incomingOf(row bulk.Row, spec *bulkv1.Import, rules *customfield.Rules) (*incoming, error) {
	if card := row.First(fieldVCard); card != "" {
		return contactOfCard(card, spec)
	}
	return contactOfRow(row, spec, rules)
}

// ImportServer answers the calls on contact's imports.
type ImportServer struct {
	contactv1.UnsafeImportServiceServer
	*bulk.Engine
}

// NewImportServer makes it of an engine that lacks only its kinds. Run the engine
// as a background loop.
func NewImportServer(s *store.Store, e bulk.Engine) *ImportServer {
	e.Collection, e.Kinds = "contactImports", []bulk.Kind{contactImports(s)}
	return &ImportServer{Engine: bulk.New(e)}
}
