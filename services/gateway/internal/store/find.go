package store

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/text"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/rate"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/tenant"
)

// FoundKey is what a secret leads to.
type FoundKey struct {
	Tenant, ID uuid.UUID
	Roles      []string
	ExpireTime *time.Time
	Revoked    bool
	// State is that of the tenant.
	State tenant.State
}

// FindKey answers the key whose secret has the hash, or nil where there is none.
func FindKey(ctx context.Context, db *postgres.DB, hash []byte) (*FoundKey, error) {
	var k FoundKey
	err := db.System.QueryRow(ctx, `
		SELECT k.tenant, k.id, k.roles, k.expire_time, k.delete_time IS NOT NULL, coalesce(t.state, 1)
		FROM api_key k
		LEFT JOIN tenant t ON t.tenant = k.tenant AND t.id = k.tenant
		WHERE k.hash = $1`, hash).Scan(&k.Tenant, &k.ID, &k.Roles, &k.ExpireTime, &k.Revoked, &k.State)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, postgres.SQLError(err)
	}
	return &k, nil
}

// NoteUse keeps when a key was last used. Its version and its events stay as they
// are: a use is no change of the key.
func NoteUse(ctx context.Context, db *postgres.DB, tenant, id uuid.UUID, at time.Time) error {
	_, err := db.System.Exec(ctx, `
		UPDATE api_key SET last_use_time = $3
		WHERE tenant = $1 AND id = $2 AND (last_use_time IS NULL OR last_use_time < $3)`, tenant, id, at)
	return postgres.SQLError(err)
}

// Standing is what the front door must know of a user who shows a token.
type Standing struct {
	// State is that of the tenant; Active where it is not known here.
	State tenant.State
	// Roles and Teams are those of the member, as resource names; none where the
	// user is no member.
	Roles, Teams []string
}

// StandingOf answers how a user stands in a tenant.
func StandingOf(ctx context.Context, db *postgres.DB, of uuid.UUID, subject string) (Standing, error) {
	s := Standing{State: tenant.Active}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, of)
	b.Queue("SELECT state FROM tenant WHERE tenant = $1 AND id = $1", of).QueryRow(ifAny(&s.State))
	b.Queue("SELECT roles, teams FROM member WHERE tenant = $1 AND subject = $2 AND delete_time IS NULL", of, subject).
		QueryRow(ifAny(&s.Roles, &s.Teams))
	return s, postgres.Run(ctx, db, b)
}

// ifAny scans a row, and leaves the targets alone where there is none.
func ifAny(targets ...any) func(pgx.Row) error {
	return func(row pgx.Row) error {
		if err := row.Scan(targets...); !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		return nil
	}
}

var errNoRate = errs.NotFound("exchange rate", "")

// RateOn answers the rate of a pair that held on a day: the newest of that day or
// before. EXCHANGE_RATE_NOT_FOUND where there is none.
func RateOn(ctx context.Context, db *postgres.DB, of uuid.UUID, from, to string, day time.Time) (*rate.Rate, error) {
	var id uuid.UUID
	b := &pgx.Batch{}
	postgres.QueueTenant(b, of)
	b.Queue(`
		SELECT id FROM exchange_rate
		WHERE tenant = $1 AND from_currency_code = $2 AND to_currency_code = $3 AND date <= $4 AND delete_time IS NULL
		ORDER BY date DESC LIMIT 1`, of, from, to, day).QueryRow(ifAny(&id))
	if err := postgres.Run(ctx, db, b); err != nil {
		return nil, err
	}
	if id == uuid.Nil {
		return nil, errNoRate
	}
	return Rates.Get(ctx, db, of, id)
}

// ZoneOf answers the time zone of a tenant; the default one where it is not known
// here.
func ZoneOf(ctx context.Context, db *postgres.DB, of uuid.UUID) (*time.Location, error) {
	zone := tenant.DefaultZone
	b := &pgx.Batch{}
	postgres.QueueTenant(b, of)
	b.Queue("SELECT time_zone FROM tenant WHERE tenant = $1 AND id = $1", of).QueryRow(ifAny(&zone))
	if err := postgres.Run(ctx, db, b); err != nil {
		return nil, err
	}
	return text.TimeZone(zone)
}
