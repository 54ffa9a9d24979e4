package bulk

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
)

// entry is a row of the table import.
type entry struct {
	id               uuid.UUID
	state            bulkv1.ImportState
	spec             *bulkv1.Import
	caller           auth.Caller
	scope            auth.Scope
	size, doneBytes  int64
	doneLine         int64
	counts           *bulkv1.ImportCounts
	undo             *bulkv1.ImportUndoCounts
	failure          string
	created, updated time.Time
	ended            *time.Time
}

const entryColumns = `id, state, spec, tenant, subject, roles, teams, scope, size_bytes, done_line, done_bytes,
	rows, created, updated, skipped, failed, error, create_time, update_time, end_time,
	undo_deleted, undo_restored, undo_unchanged, undo_kept`

func scanEntry(row pgx.Row) (*entry, error) {
	e := &entry{spec: &bulkv1.Import{}, counts: &bulkv1.ImportCounts{}, undo: &bulkv1.ImportUndoCounts{}}
	var spec []byte
	var roles []string
	c, u := e.counts, e.undo
	err := row.Scan(&e.id, &e.state, &spec, &e.caller.Tenant, &e.caller.Subject, &roles, &e.caller.Teams, &e.scope, &e.size, &e.doneLine, &e.doneBytes,
		&c.Rows, &c.Created, &c.Updated, &c.Skipped, &c.Failed, &e.failure, &e.created, &e.updated, &e.ended,
		&u.Deleted, &u.Restored, &u.Unchanged, &u.Kept)
	if err != nil {
		return nil, err
	}
	for _, r := range roles {
		e.caller.Roles = append(e.caller.Roles, auth.Role(r))
	}
	return e, proto.Unmarshal(spec, e.spec)
}

// message words an entry as the resource.
func (e *Engine) message(row *entry) *bulkv1.Import {
	m := proto.Clone(row.spec).(*bulkv1.Import)
	m.Name = e.Collection + "/" + row.id.String()
	m.State, m.SizeBytes, m.DoneBytes, m.Counts, m.Error = row.state, row.size, row.doneBytes, row.counts, row.failure
	m.CreateTime, m.UpdateTime = timestamppb.New(row.created), timestamppb.New(row.updated)
	if u := row.undo; u.Deleted+u.Restored+u.Unchanged+u.Kept > 0 || row.state == bulkv1.ImportState_IMPORT_STATE_UNDOING || row.state == bulkv1.ImportState_IMPORT_STATE_UNDONE {
		m.Undo = u
		if !row.spec.GetDryRun() {
			u.Rows = row.counts.GetCreated() + row.counts.GetUpdated()
		}
	}
	if row.ended != nil {
		m.EndTime = timestamppb.New(*row.ended)
	}
	return m
}

// visible tells whether a caller may see an import, and do something about it: only
// who may see every record sees those of others.
func visible(ctx context.Context, row *entry) bool {
	return auth.ScopeFrom(ctx) == auth.All || auth.From(ctx).Subject == row.caller.Subject
}

// read answers one import of the tenant that the caller may see, or NOT_FOUND.
func (e *Engine) read(ctx context.Context, tenant uuid.UUID, name string) (*entry, error) {
	id, err := e.parse(name)
	if err != nil {
		return nil, err
	}
	var found *entry
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`SELECT `+entryColumns+` FROM import WHERE tenant = $1 AND id = $2`, tenant, id).QueryRow(func(row pgx.Row) (err error) {
		found, err = scanEntry(row)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && !visible(ctx, found) {
			return errs.NotFound("import", name)
		}
		return err
	})
	return found, postgres.Run(ctx, e.DB, b)
}

// move brings an import from one of some states to another, or answers refused
// where it is in none of them.
func (e *Engine) move(ctx context.Context, tenant uuid.UUID, name string, to bulkv1.ImportState, refused error, from ...bulkv1.ImportState) (*bulkv1.Import, error) {
	row, err := e.read(ctx, tenant, name)
	if err != nil {
		return nil, err
	}
	states := make([]int16, len(from))
	for i, s := range from {
		states[i] = int16(s)
	}
	var moved *entry
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		UPDATE import SET state = $3, error = '', update_time = $4, end_time = NULL
		WHERE tenant = $1 AND id = $2 AND state = ANY($5)
		RETURNING `+entryColumns, tenant, row.id, int16(to), e.Now().UTC(), states).QueryRow(func(row pgx.Row) (err error) {
		moved, err = scanEntry(row)
		if errors.Is(err, pgx.ErrNoRows) {
			return refused
		}
		return err
	})
	if err := postgres.Run(ctx, e.DB, b); err != nil {
		return nil, err
	}
	e.nudge()
	return e.message(moved), nil
}

// insert keeps a new import; its chunks follow.
func (e *Engine) insert(ctx context.Context, id uuid.UUID, caller auth.Caller, spec *bulkv1.Import) error {
	raw, err := proto.Marshal(spec)
	if err != nil {
		return err
	}
	roles := make([]string, len(caller.Roles))
	for i, r := range caller.Roles {
		roles[i] = string(r)
	}
	now := e.Now().UTC()
	b := &pgx.Batch{}
	postgres.QueueTenant(b, caller.Tenant)
	b.Queue(`
		INSERT INTO import (tenant, id, kind, state, spec, subject, roles, teams, scope, create_time, update_time)
		VALUES ($1, $2, $3, 0, $4, $5, $6, $7, $8, $9, $9)`,
		caller.Tenant, id, spec.GetKind(), raw, caller.Subject, roles, append([]string{}, caller.Teams...), int16(auth.ScopeFrom(ctx)), now)
	return postgres.Run(ctx, e.DB, b)
}

func (e *Engine) insertChunk(ctx context.Context, tenant, id uuid.UUID, n int, data []byte) error {
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`INSERT INTO import_chunk (tenant, import, n, data) VALUES ($1, $2, $3, $4)`, tenant, id, n, data)
	return postgres.Run(ctx, e.DB, b)
}

// complete marks an upload as whole, with what was found out about it.
func (e *Engine) complete(ctx context.Context, tenant, id uuid.UUID, spec *bulkv1.Import, size int64) error {
	raw, err := proto.Marshal(spec)
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`UPDATE import SET state = $3, spec = $4, size_bytes = $5, update_time = $6 WHERE tenant = $1 AND id = $2`,
		tenant, id, int16(bulkv1.ImportState_IMPORT_STATE_UPLOADED), raw, size, e.Now().UTC())
	return postgres.Run(ctx, e.DB, b)
}
