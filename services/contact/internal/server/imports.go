package server

import (
	"context"

	"github.com/lingkar-crm/lingkar/pkg/bulk"
	"github.com/lingkar-crm/lingkar/pkg/record"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store"
)

// contactImports is the kind of file that brings contacts and accounts.
func contactImports(s *store.Store) bulk.Kind {
	return bulk.Kind{
		Name: "contacts", Fields: importFields, Known: knownImportField, System: importSystem,
		Step: func(ctx context.Context, u *record.Unit, job *bulk.Job, rows []bulk.Row) ([]bulk.Outcome, error) {
			outcomes := make([]bulk.Outcome, 0, len(rows))
			var items []store.Incoming
			for _, row := range rows {
				if saysNothing(row) {
					outcomes = append(outcomes, bulk.Empty(row.Line))
					continue
				}
				c, err := contactOfRow(row, job.Import)
				switch {
				case err != nil:
					outcomes = append(outcomes, bulk.Failed(row.Line, err))
				case row.First(fieldDeleted) == "true":
					outcomes = append(outcomes, bulk.Outcome{
						Line: row.Line, What: bulkv1.ImportOutcome_IMPORT_OUTCOME_SKIPPED, Reason: "ROW_DELETED", Message: "the record is deleted in the other system",
					})
				default:
					items = append(items, store.Incoming{Line: row.Line, Contact: c.Contact, Unread: c.unread})
				}
			}
			more, err := s.ImportContacts(ctx, u, job, items)
			return append(outcomes, more...), err
		},
		Undo: s.UndoImported,
	}
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
