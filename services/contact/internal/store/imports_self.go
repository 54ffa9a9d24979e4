package store

import (
	"context"
	"maps"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// Ourselves is the system that files of Lingkar come from.
const Ourselves = "lingkar"

// selves answers the living contacts, of those that the caller may see, that rows name
// by the id or the Customer ID of this suite. Such a row loses that id: a contact is
// not its own counterpart in another system. One that names nobody here comes from
// another tenant or suite, and keeps it.
func (s *Store) selves(ctx context.Context, u *record.Unit, tenant uuid.UUID, rows []*contact.Contact) (map[*contact.Contact]uuid.UUID, error) {
	var ids []uuid.UUID
	var numbers []string
	for _, row := range rows {
		said := row.ExternalIDs[Ourselves]
		if id, err := uuid.Parse(strings.TrimPrefix(said, contacts+"/")); err == nil {
			ids = append(ids, id)
		} else if number, ok := ParseCustomerID(said); ok {
			numbers = append(numbers, number)
		}
	}
	if len(ids)+len(numbers) == 0 {
		return nil, nil
	}
	by := map[string]uuid.UUID{}
	all, owner, teams := record.Reach(ctx)
	err := u.Read(func(b *pgx.Batch) {
		b.Queue(`
			SELECT living.id, c.id, c.customer_id
			FROM (
				SELECT * FROM contact WHERE tenant = $1 AND id = ANY ($2)
				UNION ALL
				SELECT * FROM contact WHERE tenant = $1 AND customer_id = ANY ($3)
			) AS c
			LEFT JOIN merged_contact AS m ON m.tenant = c.tenant AND m.contact = c.id
			JOIN contact AS living ON living.tenant = c.tenant AND living.id = COALESCE(m.root, c.id)
			WHERE living.delete_time IS NULL AND ($4 OR living.owner = $5 OR living.team = ANY ($6))`,
			tenant, ids, numbers, all, owner, teams).Query(func(found pgx.Rows) error {
			var id, named uuid.UUID
			var number string
			_, err := pgx.ForEachRow(found, []any{&id, &named, &number}, func() error {
				by[named.String()], by[number] = id, id
				return nil
			})
			return err
		})
	})
	met := map[*contact.Contact]uuid.UUID{}
	for _, row := range rows {
		said := strings.TrimPrefix(row.ExternalIDs[Ourselves], contacts+"/")
		if number, ok := ParseCustomerID(said); ok {
			said = number
		}
		if id, ok := by[said]; ok {
			met[row] = id
			row.ExternalIDs = maps.Clone(row.ExternalIDs) // the row may come again
			delete(row.ExternalIDs, Ourselves)
		}
	}
	return met, err
}
