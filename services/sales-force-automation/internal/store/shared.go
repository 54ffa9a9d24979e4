package store

import (
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// sharedFields are what every resource can be filtered by.
func sharedFields() []postgres.Field {
	return []postgres.Field{
		{Path: "create_time", Type: postgres.Time},
		{Path: "update_time", Type: postgres.Time},
		{Path: "owner"}, {Path: "team"}, {Path: "source"},
		{Path: "external_ids", Type: postgres.Map},
		{Path: "labels", Type: postgres.Map},
		{Path: "custom_fields", Type: postgres.JSON},
	}
}

// sharedConstraints adds to the constraints of a table those that every resource
// has.
func sharedConstraints(own map[string]*errs.Error) map[string]*errs.Error {
	all := map[string]*errs.Error{
		"external_id_taken": errs.AlreadyExists("EXTERNAL_ID_TAKEN", "another record of this kind has this id in that system"),
	}
	maps.Copy(all, own)
	return all
}

// contactConstraints adds what a resource of a contact can violate.
func contactConstraints(own map[string]*errs.Error) map[string]*errs.Error {
	all := sharedConstraints(own)
	all["contact_known"] = errs.NotFound("contact", "")
	all["contact_alive"] = errs.Refused("CONTACT_DELETED", "the contact is deleted")
	return all
}

// extra queues what belongs to a row but lives beside it.
type extra[T any] = func(b *pgx.Batch, tenant uuid.UUID, before, after *T)

// externalIDs keeps the table that makes external ids unique among the resources
// of a kind.
func externalIDs[T any](kind string, meta func(*T) *entity.Meta) extra[T] {
	return func(b *pgx.Batch, tenant uuid.UUID, before, after *T) {
		m := meta(after)
		if before != nil {
			if maps.Equal(meta(before).ExternalIDs, m.ExternalIDs) {
				return
			}
			b.Queue("DELETE FROM external_id WHERE tenant = $1 AND kind = $2 AND resource = $3", tenant, kind, m.ID)
		}
		if len(m.ExternalIDs) == 0 {
			return
		}
		systems := slices.Sorted(maps.Keys(m.ExternalIDs))
		ids := make([]string, len(systems))
		for i, s := range systems {
			ids[i] = m.ExternalIDs[s]
		}
		b.Queue(`
			INSERT INTO external_id (tenant, kind, system, id, resource)
			SELECT $1, $2, e.system, e.id, $3
			FROM unnest($4::text[], $5::text[]) AS e (system, id)`,
			tenant, kind, m.ID, systems, ids)
	}
}

// ofContact refuses, at the creation of a resource, a contact that is not known
// or deleted.
func ofContact[T any](contact func(*T) uuid.UUID, and extra[T]) extra[T] {
	return func(b *pgx.Batch, tenant uuid.UUID, before, after *T) {
		if before == nil {
			b.Queue("SELECT require_contact($1, $2)", tenant, contact(after))
		}
		and(b, tenant, before, after)
	}
}
