// Package survivor lets a service follow which contacts were merged into which, so that
// what it keeps of one of them is found under the name of any.
//
// The contact service tells of merges by events; Apply keeps them in table
// merged_contact, and the function contact_family answers all contacts that are one with
// a contact. No record of the service changes: when contacts are taken apart, each has
// again what was recorded of it. A filter over a field whose Family is Function finds the
// records of all of them.
//
// Limit: what the events have not told yet is not known, which takes as long as any
// event takes.
package survivor

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations make the table and the function. They keep their version in VersionTable.
var Migrations = sub(files)

// VersionTable keeps the version of the table.
const VersionTable = "survivor_version"

// Function answers, of a tenant and a contact, all contacts that are one with it.
const Function = "contact_family"

func sub(files embed.FS) fs.FS {
	s, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err)
	}
	return s
}

type key struct{ tenant, contact uuid.UUID }

func (k key) compare(other key) int {
	return cmp.Or(bytes.Compare(k.tenant[:], other.tenant[:]), bytes.Compare(k.contact[:], other.contact[:]))
}

// Apply notes the merges that events of the contact area tell of, each contact's in
// order. It is part of a projection's Apply, and reads no personal field.
func Apply(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error {
	into := map[key]uuid.UUID{}
	for _, e := range events {
		k, survivor, ok, err := read(e)
		if err != nil {
			return fmt.Errorf("event %s: %w", e.GetId(), err)
		}
		if ok {
			into[k] = survivor
		}
	}
	if len(into) == 0 {
		return nil
	}
	var tenants, contacts, survivors []uuid.UUID
	for _, k := range slices.SortedFunc(maps.Keys(into), key.compare) {
		tenants, contacts, survivors = append(tenants, k.tenant), append(contacts, k.contact), append(survivors, into[k])
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO merged_contact (tenant, contact, survivor)
		SELECT m.tenant, m.contact, NULLIF(m.survivor, '00000000-0000-0000-0000-000000000000')
		FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS m (tenant, contact, survivor)
		ON CONFLICT (tenant, contact) DO UPDATE SET survivor = excluded.survivor`, tenants, contacts, survivors)
	if err != nil {
		return fmt.Errorf("note what was merged: %w", err)
	}
	return nil
}

var (
	merged   = string((&contactv1.ContactMerged{}).ProtoReflect().Descriptor().FullName())
	unmerged = string((&contactv1.ContactUnmerged{}).ProtoReflect().Descriptor().FullName())
)

// read answers whose merge an event tells of, and the survivor: uuid.Nil where the
// contact is one of its own again.
func read(e *eventv1.Event) (k key, survivor uuid.UUID, ok bool, err error) {
	if e.GetType() != merged && e.GetType() != unmerged {
		return k, survivor, false, nil
	}
	if k.tenant, err = uuid.Parse(strings.TrimPrefix(e.GetTenant(), "tenants/")); err != nil {
		return k, survivor, false, err
	}
	if k.contact, err = uuid.Parse(strings.TrimPrefix(e.GetAggregate(), "contacts/")); err != nil {
		return k, survivor, false, err
	}
	if e.GetType() == unmerged {
		return k, uuid.Nil, true, nil
	}
	payload := &contactv1.ContactMerged{}
	if err := e.GetPayload().UnmarshalTo(payload); err != nil {
		return k, survivor, false, err
	}
	survivor, err = uuid.Parse(strings.TrimPrefix(payload.GetSurvivor(), "contacts/"))
	return k, survivor, err == nil, err
}

// Of answers, for each of the contacts, the one in which its merges end: itself where it
// was never merged.
func Of(ctx context.Context, db postgres.Sender, tenant uuid.UUID, contacts []uuid.UUID) (ends []uuid.UUID, err error) {
	if len(contacts) == 0 {
		return nil, nil
	}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue("SELECT (contact_family($1, c.contact))[1] FROM unnest($2::uuid[]) WITH ORDINALITY AS c (contact, n) ORDER BY c.n", tenant, contacts).
		Query(func(rows pgx.Rows) error {
			ends, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
			return err
		})
	return ends, postgres.Run(ctx, db, b)
}
