package store

import (
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/customfield"
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

// ErrExternalIDTaken says that an external id is another record's.
var ErrExternalIDTaken = errs.AlreadyExists("EXTERNAL_ID_TAKEN", "another record of this kind has this id in that system")

// sharedConstraints adds to the constraints of a table those that every resource
// has.
func sharedConstraints(own map[string]*errs.Error) map[string]*errs.Error {
	all := map[string]*errs.Error{
		"external_id_taken":    ErrExternalIDTaken,
		customfield.ValueTaken: customfield.Taken,
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

// extra writes what belongs to a row but lives beside it.
type extra[T any] = func(w *postgres.Writes, before, after *T)

var (
	dropExternalIDs = postgres.NewStatement("external_id", `
		DELETE FROM external_id AS e
		USING unnest($2::text[], $3::uuid[]) AS d (kind, resource)
		WHERE e.tenant = $1 AND e.kind = d.kind AND e.resource = d.resource`)
	insertExternalIDs = postgres.NewStatement("external_id", `
		INSERT INTO external_id (tenant, kind, system, id, resource)
		SELECT $1, e.kind, e.system, e.id, e.resource
		FROM unnest($2::text[], $3::text[], $4::text[], $5::uuid[]) AS e (kind, system, id, resource)`)
	requireContact = postgres.NewStatement("contact_state", `
		SELECT require_contact($1, c.id)
		FROM unnest($2::uuid[]) AS c (id)`)
)

// externalIDs keeps the table that makes external ids unique among the resources
// of a kind.
func externalIDs[T any](kind string, meta func(*T) *entity.Meta) extra[T] {
	return func(w *postgres.Writes, before, after *T) {
		m := meta(after)
		if before != nil {
			if maps.Equal(meta(before).ExternalIDs, m.ExternalIDs) {
				return
			}
			w.Add(dropExternalIDs, kind, m.ID)
		}
		for _, system := range slices.Sorted(maps.Keys(m.ExternalIDs)) {
			w.Add(insertExternalIDs, kind, system, m.ExternalIDs[system], m.ID)
		}
	}
}

// ofContact refuses, at the creation of a resource, a contact that is not known
// or deleted.
func ofContact[T any](contact func(*T) uuid.UUID, and extra[T]) extra[T] {
	return func(w *postgres.Writes, before, after *T) {
		if before == nil {
			w.Add(requireContact, contact(after))
		}
		and(w, before, after)
	}
}
