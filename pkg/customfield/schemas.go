package customfield

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
)

const (
	// watchInterval is how often a replica asks whose fields have changed, and so the
	// age that what it goes by reaches.
	watchInterval = time.Second
	// trusted is how long it goes by what it knows where it cannot ask.
	trusted = 5 * time.Second
	// window is how far back it asks. A change becomes visible at most so long after its
	// time was taken: idle transactions end earlier.
	window = time.Minute
	// maxTenants bounds how many tenants' fields are at hand.
	maxTenants = 10000
)

// Schemas keeps the fields of tenants at hand. Watch must run: until it does, and where it
// could not ask for 5 seconds, the fields are read each time.
type Schemas struct {
	db *postgres.DB

	mu      sync.Mutex
	known   map[uuid.UUID]*Schema
	watched time.Time // when whose fields have changed was asked last
}

// NewSchemas makes the cache of a service's database.
func NewSchemas(db *postgres.DB) *Schemas {
	return &Schemas{db: db, known: map[uuid.UUID]*Schema{}}
}

// Of answers the fields of a tenant.
func (s *Schemas) Of(ctx context.Context, tenant uuid.UUID) (*Schema, error) {
	s.mu.Lock()
	known := s.known[tenant]
	fresh := time.Since(s.watched) < trusted
	s.mu.Unlock()
	if known != nil && fresh {
		return known, nil
	}
	read, err := s.read(ctx, tenant)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxTenants {
		clear(s.known)
	}
	s.known[tenant] = read
	return read, nil
}

// Rules answers the rules of a resource of a tenant: what record.Store.Custom asks for.
func (s *Schemas) Rules(resource string) func(ctx context.Context, tenant uuid.UUID) (record.CustomRules, error) {
	return func(ctx context.Context, tenant uuid.UUID) (record.CustomRules, error) {
		schema, err := s.Of(ctx, tenant)
		if err != nil {
			return nil, err
		}
		return schema.Of(resource), nil
	}
}

// Forget reads the fields of a tenant again when they are next asked for.
func (s *Schemas) Forget(tenant uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, tenant)
}

// read reads the version before the fields: what is newer than the version is read again.
func (s *Schemas) read(ctx context.Context, tenant uuid.UUID) (*Schema, error) {
	var version int64
	unknown := Open
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	optional := func(into any) func(pgx.Row) error {
		return func(row pgx.Row) error {
			if err := row.Scan(into); !errors.Is(err, pgx.ErrNoRows) {
				return err
			}
			return nil
		}
	}
	b.Queue("SELECT version FROM custom_schema WHERE tenant = $1", tenant).QueryRow(optional(&version))
	b.Queue("SELECT unknown_keys FROM custom_field_policy WHERE tenant = $1 AND id = $2", tenant, PolicyID).QueryRow(optional(&unknown))
	if err := postgres.Run(ctx, s.db, b); err != nil {
		return nil, err
	}
	if version == 0 {
		return newSchema(0, false, nil), nil
	}
	var all []*Field
	for token := ""; ; {
		page, next, err := Table.List(ctx, s.db, tenant, postgres.Query{PageSize: postgres.MaxPageSize, PageToken: token})
		if err != nil {
			return nil, err
		}
		if all, token = append(all, page...), next; token == "" {
			return newSchema(version, unknown == Strict, all), nil
		}
	}
}

// Watch lets go of fields that were changed, by whichever replica, until the context ends.
func (s *Schemas) Watch(ctx context.Context) error {
	for {
		asked := time.Now()
		versions, err := s.changed(ctx)
		if err == nil {
			s.note(asked, versions)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(watchInterval):
		}
	}
}

// changed answers the versions of those whose fields have changed of late.
func (s *Schemas) changed(ctx context.Context) (map[uuid.UUID]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, trusted)
	defer cancel()
	rows, err := s.db.System.Query(ctx, "SELECT tenant, version FROM custom_schema WHERE changed > clock_timestamp() - $1::interval", window)
	if err != nil {
		return nil, err
	}
	versions := map[uuid.UUID]int64{}
	var tenant uuid.UUID
	var version int64
	_, err = pgx.ForEachRow(rows, []any{&tenant, &version}, func() error {
		versions[tenant] = version
		return nil
	})
	return versions, err
}

func (s *Schemas) note(asked time.Time, versions map[uuid.UUID]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if asked.Sub(s.watched) > window/2 {
		clear(s.known)
	}
	for tenant, version := range versions {
		if known := s.known[tenant]; known != nil && known.version < version {
			delete(s.known, tenant)
		}
	}
	s.watched = asked
}
