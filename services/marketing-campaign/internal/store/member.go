package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// lease is for how long work belongs to the process that claimed it. It is asked
// for anew with every step.
const lease = 30 * time.Second

// Lookup is the search for the members of one version of a segment, under way.
type Lookup struct {
	Tenant, Segment uuid.UUID
	Version         int32
	// PageToken is where the contact area's list goes on; empty at its beginning.
	PageToken string
}

// ClaimLookup takes a look-up that nobody works on; nil where there is none.
func (s *Store) ClaimLookup(ctx context.Context) (*Lookup, error) {
	rows, err := s.DB.System.Query(ctx, `
		UPDATE segment_lookup l
		SET lease_until = now() + $1
		FROM (
			SELECT tenant, segment
			FROM segment_lookup
			WHERE lease_until < now()
			ORDER BY lease_until
			LIMIT 1
			FOR UPDATE SKIP LOCKED
		) next
		WHERE l.tenant = next.tenant AND l.segment = next.segment
		RETURNING l.tenant, l.segment, l.version, l.page_token`, lease)
	if err != nil {
		return nil, fmt.Errorf("claim a look-up: %w", err)
	}
	return claimed[Lookup](rows)
}

// claimed reads the one row of a claim, or none.
func claimed[T any](rows pgx.Rows) (*T, error) {
	all, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[T])
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0], nil
}

// errLookupGone says that a look-up was given up or ordered anew meanwhile.
var errLookupGone = errs.Aborted("LOOKUP_GONE", "the look-up is no longer wanted")

// AddMembers stores what a step of a look-up found and where it goes on. Members
// that are there already are no error.
func (s *Store) AddMembers(ctx context.Context, l *Lookup, found []uuid.UUID, next string) error {
	err := postgres.InTx(ctx, s.DB.System, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE segment_lookup
			SET page_token = $4, lease_until = now() + $5
			WHERE tenant = $1 AND segment = $2 AND version = $3`, l.Tenant, l.Segment, l.Version, next, lease)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return errLookupGone
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO segment_member (tenant, segment, version, contact)
			SELECT $1, $2, $3, contact
			FROM unnest($4::uuid[]) AS contact
			ORDER BY contact
			ON CONFLICT DO NOTHING`, l.Tenant, l.Segment, l.Version, found)
		return err
	})
	if err != nil {
		return fmt.Errorf("store members of segment %s: %w", l.Segment, err)
	}
	l.PageToken = next
	return nil
}

// RestartLookup forgets what a look-up has found: it begins anew.
func (s *Store) RestartLookup(ctx context.Context, l *Lookup) error {
	b := &pgx.Batch{}
	b.Queue(`
		UPDATE segment_lookup
		SET page_token = ''
		WHERE tenant = $1 AND segment = $2 AND version = $3`, l.Tenant, l.Segment, l.Version)
	b.Queue(`
		DELETE FROM segment_member
		WHERE tenant = $1 AND segment = $2 AND version = $3`, l.Tenant, l.Segment, l.Version)
	if err := s.DB.System.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("restart the look-up of segment %s: %w", l.Segment, err)
	}
	l.PageToken = ""
	return nil
}

// ReleaseLookup gives work back, to be claimed again after a pause.
func (s *Store) ReleaseLookup(ctx context.Context, l *Lookup, pause time.Duration) error {
	_, err := s.DB.System.Exec(ctx, `
		UPDATE segment_lookup
		SET lease_until = now() + $3
		WHERE tenant = $1 AND segment = $2`, l.Tenant, l.Segment, pause)
	return err
}

// CountMembers counts the members that a version has by now.
func (s *Store) CountMembers(ctx context.Context, tenant, segment uuid.UUID, version int32) (count int64, err error) {
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		SELECT count(*)
		FROM segment_member
		WHERE tenant = $1 AND segment = $2 AND version = $3`, tenant, segment, version).
		QueryRow(func(row pgx.Row) error { return row.Scan(&count) })
	return count, postgres.Run(ctx, s.DB, b)
}

var errVersionNotReady = errs.Refused("SEGMENT_NOT_READY", "this version of the segment has no members yet: materialise it first")

// pageRequest is what a request for a page of members has.
type pageRequest interface {
	GetPageSize() int32
	GetPageToken() string
}

// MemberPage answers a page of the members of a version that stands, in the order
// of their ids, and the token of the next. SEGMENT_NOT_READY where the version
// does not stand.
func (s *Store) MemberPage(ctx context.Context, tenant uuid.UUID, subject string, segment uuid.UUID, version int32, req pageRequest) (page []uuid.UUID, next string, err error) {
	binding := fmt.Appendf(nil, "members %s %s %d %s", tenant, segment, version, subject)
	after, err := s.memberCursor(req.GetPageToken(), binding)
	if err != nil {
		return nil, "", err
	}
	size := int(min(req.GetPageSize(), postgres.MaxPageSize))
	if size == 0 {
		size = postgres.DefaultPageSize
	}
	if page, err = s.members(ctx, tenant, segment, version, after, size+1); err != nil || len(page) <= size {
		return page, "", err
	}
	page = page[:size]
	next, err = s.DB.PageToken([]any{page[size-1].String()}, binding)
	return page, next, err
}

// memberCursor reads the last member of the page before; the zero id, which is
// before all, where there is none.
func (s *Store) memberCursor(token string, binding []byte) (after uuid.UUID, err error) {
	if token == "" {
		return uuid.Nil, nil
	}
	cursor, err := s.DB.PageCursor(token, binding)
	if err != nil {
		return uuid.Nil, err
	}
	return uuid.Parse(fmt.Sprint(cursor...))
}

func (s *Store) members(ctx context.Context, tenant, segment uuid.UUID, version int32, after uuid.UUID, limit int) (members []uuid.UUID, err error) {
	var ready bool
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		SELECT EXISTS (SELECT FROM segment_version WHERE tenant = $1 AND segment = $2 AND version = $3)`,
		tenant, segment, version).QueryRow(func(row pgx.Row) error { return row.Scan(&ready) })
	b.Queue(`
		SELECT contact
		FROM segment_member
		WHERE tenant = $1 AND segment = $2 AND version = $3 AND contact > $4
		ORDER BY contact
		LIMIT $5`, tenant, segment, version, after, limit).Query(func(rows pgx.Rows) (err error) {
		members, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	})
	if err := postgres.Run(ctx, s.DB, b); err != nil {
		return nil, fmt.Errorf("read members: %w", err)
	}
	if !ready {
		return nil, errVersionNotReady
	}
	return members, nil
}
