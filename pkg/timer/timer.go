// Package timer keeps what is to be done later, in rows of the service's own database.
//
// A timer is armed and cancelled in the transaction of the change that asks for it, and
// fires in the transaction of its effect: that deletes its row, which only one of several
// replicas can lock. So it is neither lost nor done twice, whatever is killed when, and
// it fires after a restart that lasted longer than it. It never fires before it is due by
// the injected clock; how late is up to the poll (Poll), the load and the clocks.
//
// One that fails is tried again, later each time, and parked after the sixth failure in a
// row of its own making: its row stays, with the error. A database or a peer that is away
// counts for nothing.
//
// Limits: timers of one key replace each other; firing order is that of due times only
// roughly.
package timer

import (
	"context"
	"embed"
	"io/fs"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/record"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations make the table. They keep their version in VersionTable.
var Migrations = sub(files)

// VersionTable keeps the version of the table.
const VersionTable = "timer_version"

func sub(files embed.FS) fs.FS {
	s, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the directory is embedded
	}
	return s
}

// Timer is something to be done once.
type Timer struct {
	Tenant uuid.UUID
	// Kind says who does it, Key what it is about. A tenant has one timer of a kind and
	// key: arming it again moves it.
	Kind, Key string
	// Due is when it is to be done, at the earliest.
	Due time.Time
	// Payload is what the handler needs to know.
	Payload []byte
}

const arm = `
INSERT INTO timer (tenant, kind, key, due_time, try_time, payload)
SELECT t.tenant, t.kind, t.key, t.due, t.due, t.payload
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::bytea[]) AS t (tenant, kind, key, due, payload)
ON CONFLICT (tenant, kind, key) DO UPDATE
SET due_time = excluded.due_time, try_time = excluded.due_time, payload = excluded.payload, attempts = 0, parked = false, error = ''`

// Arm queues setting timers, of which no two have one tenant, kind and key, in the
// transaction of the batch.
func Arm(b *pgx.Batch, timers ...Timer) {
	if len(timers) == 0 {
		return
	}
	n := len(timers)
	tenants, kinds, keys := make([]uuid.UUID, n), make([]string, n), make([]string, n)
	dues, payloads := make([]time.Time, n), make([][]byte, n)
	for i, t := range timers {
		tenants[i], kinds[i], keys[i], dues[i], payloads[i] = t.Tenant, t.Kind, t.Key, t.Due, t.Payload
		if t.Payload == nil {
			payloads[i] = []byte{}
		}
	}
	b.Queue(arm, tenants, kinds, keys, dues, payloads)
}

// Cancel queues taking a timer away, where there is one.
func Cancel(b *pgx.Batch, tenant uuid.UUID, kind, key string) {
	b.Queue("DELETE FROM timer WHERE tenant = $1 AND kind = $2 AND key = $3", tenant, kind, key)
}

// Take takes a due timer away within the transaction of its effect. It answers false
// where another replica has it, or where it was cancelled or moved meanwhile: there is
// nothing to do then.
func Take(u *record.Unit, t Timer) (taken bool, err error) {
	err = u.Read(func(b *pgx.Batch) {
		b.Queue(`
			DELETE FROM timer
			WHERE (tenant, kind, key) IN (
				SELECT tenant, kind, key FROM timer
				WHERE tenant = $1 AND kind = $2 AND key = $3 AND due_time = $4
				FOR UPDATE SKIP LOCKED
			)
			RETURNING true`, t.Tenant, t.Kind, t.Key, t.Due).Query(func(rows pgx.Rows) error {
			taken = rows.Next()
			rows.Close()
			return rows.Err()
		})
	})
	return taken, err
}

// Handler does what a timer asks for, in one transaction that begins with Take. An error
// means that nothing was done.
type Handler func(ctx context.Context, t Timer) error
