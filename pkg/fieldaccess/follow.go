package fieldaccess

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations make the table. They keep their version in VersionTable.
var Migrations = sub(files)

// VersionTable keeps the version of the table.
const VersionTable = "field_access_version"

func sub(files embed.FS) fs.FS {
	s, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err)
	}
	return s
}

// Projection follows the rules of all tenants.
func Projection() eventlog.Projection {
	return eventlog.Projection{
		Name: "field_rules", Areas: []string{"platform"}, Apply: apply,
		Personal: eventlog.Unread, Linger: 50 * time.Millisecond,
	}
}

// told is an event of a rule.
type told interface{ GetFieldRule() *platformv1.FieldRule }

const prefix = "lingkar.platform.v1.FieldRule"

func apply(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error {
	for _, e := range events {
		if !strings.HasPrefix(e.GetType(), prefix) {
			continue
		}
		if err := note(ctx, tx, e); err != nil {
			return fmt.Errorf("event %s: %w", e.GetId(), err)
		}
	}
	return nil
}

// note keeps the state of a rule after an event. Rules are few, and change seldom.
func note(ctx context.Context, tx pgx.Tx, e *eventv1.Event) error {
	payload, err := e.GetPayload().UnmarshalNew()
	if err != nil {
		return err
	}
	t, ok := payload.(told)
	if !ok {
		return fmt.Errorf("a %s tells of no rule", e.GetType())
	}
	tenant, err := uuid.Parse(strings.TrimPrefix(e.GetTenant(), "tenants/"))
	if err != nil {
		return err
	}
	id, err := uuid.Parse(strings.TrimPrefix(t.GetFieldRule().GetName(), "fieldRules/"))
	if err != nil {
		return err
	}
	r := FromProto(t.GetFieldRule())
	_, err = tx.Exec(ctx, `
		INSERT INTO field_access (tenant, id, seq, deleted, resource_type, field, readers, writers)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (tenant, id) DO UPDATE
		SET seq = excluded.seq, deleted = excluded.deleted, readers = excluded.readers, writers = excluded.writers
		WHERE field_access.seq < excluded.seq`,
		tenant, id, e.GetAggregateSeq(), t.GetFieldRule().GetDeleteTime() != nil, r.Type, r.Field, names(r.Readers), names(r.Writers))
	return err
}

// FromProto reads a rule.
func FromProto(m *platformv1.FieldRule) Rule {
	return Rule{Type: m.GetResourceType(), Field: m.GetField(), Readers: roles(m.GetReaders()), Writers: roles(m.GetWriters())}
}

// roles reads roles by their resource names, "roles/sales", or bare.
func roles(names []string) []auth.Role {
	all := make([]auth.Role, len(names))
	for i, n := range names {
		all[i] = auth.Role(strings.TrimPrefix(n, "roles/"))
	}
	return all
}

func names(roles []auth.Role) []string {
	all := make([]string, len(roles))
	for i, r := range roles {
		all[i] = string(r)
	}
	return all
}
