// Package keystore keeps the keys under which the personal fields of contacts are
// sealed in events, in a database of its own.
//
// A key is random, wrapped by the key-encryption key (KEK) and stored before it is
// handed out. New contacts take one from a reservoir that is filled ahead, so that
// creating a contact needs no second commit; the contact's row says which key is
// its own. Destroying the row of a key erases what was sealed under it.
//
// Limits: in memory keys stay wrapped, and are trusted for eventlog.KeyLifetime;
// another process may use a destroyed key for that long, and for freshness more where
// it asked for it just after this one had. Keys that were ready when a
// process ended are never used.
package keystore

import (
	"context"
	"crypto/rand"
	"embed"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/failpoint"
	"github.com/lingkar-crm/lingkar/pkg/kek"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// Migrations make the tables of the database of keys.
//
//go:embed migrations/*.sql
var Migrations embed.FS

const (
	// reservoir is how many keys are made at once, unless more are wanted.
	reservoir = 256
	// cacheSize bounds the memory of the cache, to about 20 MB.
	cacheSize = 100_000
	// freshness is how long Load answers a key from memory that was just made or read.
	// What is written about a contact reads its key, and the other services ask for it
	// as soon as they hear of that.
	freshness = 10 * time.Second
)

// Store gives and keeps keys. It implements eventlog.Keys.
type Store struct {
	keys     *pgxpool.Pool
	contacts *postgres.DB
	wrap     *kek.Wrapper
	now      func() time.Time

	cache *lru.Cache[owner, entry]

	mu    sync.Mutex
	ready []Key
	// generation stops a look-up that began before a Drop from bringing the key back.
	generation atomic.Uint64
}

// Key is one key, wrapped.
type Key struct {
	ID      uuid.UUID
	wrapped []byte
}

type owner struct{ tenant, contact uuid.UUID }

// entry is what is known of a contact's key; without wrapped bytes, that it was
// destroyed.
type entry struct {
	key     Key
	expires time.Time
	// fresh is until when Load answers the key of a contact known to exist.
	fresh time.Time
}

// New makes a store over the pool of the database of keys, and the contact
// service's own database, which knows whose key is which.
func New(keys *pgxpool.Pool, contacts *postgres.DB, wrap *kek.Wrapper, now func() time.Time) *Store {
	cache, err := lru.New[owner, entry](cacheSize)
	if err != nil {
		panic(err) // the size is a positive constant
	}
	return &Store{keys: keys, contacts: contacts, wrap: wrap, now: now, cache: cache}
}

// Take answers n keys that nobody else gets. Bind tells whose they became.
func (s *Store) Take(ctx context.Context, n int) ([]Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if missing := n - len(s.ready); missing > 0 {
		if err := s.fill(ctx, max(missing, reservoir)); err != nil {
			return nil, fmt.Errorf("fill the reservoir of keys: %w", err)
		}
	}
	taken := make([]Key, n)
	copy(taken, s.ready[len(s.ready)-n:])
	s.ready = s.ready[:len(s.ready)-n]
	return taken, nil
}

// fill makes n keys and stores them before they can be taken.
func (s *Store) fill(ctx context.Context, n int) error {
	made := make([]Key, n)
	ids, wrapped := make([]uuid.UUID, n), make([][]byte, n)
	for i := range made {
		secret := make([]byte, 32)
		rand.Read(secret) // never fails (crypto/rand)
		id := uuid.New()
		made[i] = Key{ID: id, wrapped: s.wrap.Wrap(id, secret)}
		ids[i], wrapped[i] = id, made[i].wrapped
	}
	_, err := s.keys.Exec(ctx, `
		INSERT INTO contact_key (id, kek, wrapped)
		SELECT k.id, $1, k.wrapped
		FROM unnest($2::uuid[], $3::bytea[]) AS k (id, wrapped)`,
		s.wrap.Current(), ids, wrapped)
	if err != nil {
		return postgres.SQLError(err)
	}
	if err := failpoint.Hit(failpoint.KeysAfterFill); err != nil {
		return err
	}
	s.ready = append(s.ready, made...)
	return nil
}

// Bind makes the key known as the contact's own, unless the contact has one
// already, and answers the one that it has.
func (s *Store) Bind(tenant, contact uuid.UUID, k Key) uuid.UUID {
	name := owner{tenant, contact}
	e := entry{key: k, expires: s.now().Add(eventlog.KeyLifetime)}
	if old, exists, _ := s.cache.PeekOrAdd(name, e); exists && s.now().Before(old.expires) {
		return old.key.ID
	}
	s.cache.Add(name, e)
	return k.ID
}

// Confirm tells that a contact to whom a key was bound came about.
func (s *Store) Confirm(tenant, contact uuid.UUID) {
	name := owner{tenant, contact}
	if e, ok := s.cache.Peek(name); ok {
		e.fresh = s.now().Add(freshness)
		s.cache.Add(name, e)
	}
}

// Bar makes the contact's key count as destroyed here, until Drop: an erasure does so
// before it commits, so that nobody is given the key once its event is told.
func (s *Store) Bar(tenant, contact uuid.UUID) {
	s.generation.Add(1)
	end := s.now().Add(eventlog.KeyLifetime)
	s.cache.Add(owner{tenant, contact}, entry{expires: end, fresh: end})
}

// Drop forgets the contact's key at once: after its destruction, and where the
// contact for which it was taken did not come about.
func (s *Store) Drop(tenant, contact uuid.UUID) {
	s.generation.Add(1)
	s.cache.Remove(owner{tenant, contact})
}

// Cached implements eventlog.Keys.
func (s *Store) Cached(tenant, contact uuid.UUID) (eventlog.Key, bool) {
	e, ok := s.cache.Get(owner{tenant, contact})
	if !ok || !s.now().Before(e.expires) {
		return eventlog.Key{}, false
	}
	if e.key.wrapped == nil {
		return eventlog.Key{}, true
	}
	secret, err := s.wrap.Unwrap(e.key.ID, e.key.wrapped)
	if err != nil {
		return eventlog.Key{}, false // Fetch says why
	}
	key, err := eventlog.NewKey(e.key.ID.String(), secret)
	return key, err == nil
}

// Fetch implements eventlog.Keys. A contact that does not exist is NOT_FOUND:
// there is nobody to seal for.
func (s *Store) Fetch(ctx context.Context, tenant uuid.UUID, contacts ...uuid.UUID) error {
	found, err := s.Load(ctx, tenant, contacts)
	if err != nil {
		return err
	}
	for _, contact := range contacts {
		if _, ok := found[contact]; !ok {
			return errs.NotFound("contact", "contacts/"+contact.String())
		}
	}
	return nil
}

// Warm fetches the keys of those of the contacts that exist.
func (s *Store) Warm(ctx context.Context, tenant uuid.UUID, contacts ...uuid.UUID) error {
	_, err := s.Load(ctx, tenant, contacts)
	return err
}

// Load answers the keys of those contacts that exist, from memory where it is fresh; a
// destroyed one has no secret. It answers an error when a key cannot be unwrapped.
func (s *Store) Load(ctx context.Context, tenant uuid.UUID, contacts []uuid.UUID) (map[uuid.UUID]Key, error) {
	keys := make(map[uuid.UUID]Key, len(contacts))
	var others []uuid.UUID
	for _, contact := range contacts {
		if e, ok := s.cache.Peek(owner{tenant, contact}); ok && s.now().Before(e.fresh) {
			keys[contact] = e.key
		} else {
			others = append(others, contact)
		}
	}
	if len(others) == 0 {
		return keys, nil
	}
	return keys, s.read(ctx, tenant, others, keys)
}

// read adds the keys of those contacts that exist, and remembers them.
// Where a key is dropped meanwhile nothing is remembered.
func (s *Store) read(ctx context.Context, tenant uuid.UUID, contacts []uuid.UUID, keys map[uuid.UUID]Key) error {
	began := s.generation.Load()
	names, err := s.names(ctx, tenant, contacts)
	if err != nil {
		return err
	}
	ids := make([]uuid.UUID, 0, len(names))
	for _, id := range names {
		ids = append(ids, id)
	}
	wrapped, err := s.wrapped(ctx, ids)
	if err != nil {
		return err
	}
	now := s.now()
	for contact, id := range names {
		key := Key{ID: id, wrapped: wrapped[id]}
		keys[contact] = key
		if s.generation.Load() != began {
			continue
		}
		s.cache.Add(owner{tenant, contact}, entry{key: key, expires: now.Add(eventlog.KeyLifetime), fresh: now.Add(freshness)})
	}
	return nil
}

// Secret answers the secret of a key, or nil where it was destroyed.
func (s *Store) Secret(k Key) ([]byte, error) {
	if k.wrapped == nil {
		return nil, nil
	}
	return s.wrap.Unwrap(k.ID, k.wrapped)
}

// names asks which key is whose. An erased contact has none, also while its key is
// still to be destroyed.
func (s *Store) names(ctx context.Context, tenant uuid.UUID, contacts []uuid.UUID) (map[uuid.UUID]uuid.UUID, error) {
	names := make(map[uuid.UUID]uuid.UUID, len(contacts))
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	one, value := among(contacts)
	b.Queue(`
		SELECT id, CASE WHEN erase_time IS NULL THEN key_id ELSE '00000000-0000-0000-0000-000000000000' END
		FROM contact
		WHERE tenant = $1 AND id = `+one("$2"), tenant, value).
		Query(func(rows pgx.Rows) error {
			var contact, key uuid.UUID
			_, err := pgx.ForEachRow(rows, []any{&contact, &key}, func() error {
				names[contact] = key
				return nil
			})
			return err
		})
	return names, postgres.Run(ctx, s.contacts, b)
}

func (s *Store) wrapped(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID][]byte, error) {
	one, value := among(ids)
	rows, err := s.keys.Query(ctx, "SELECT id, wrapped FROM contact_key WHERE id = "+one("$1"), value)
	if err != nil {
		return nil, postgres.SQLError(err)
	}
	wrapped := make(map[uuid.UUID][]byte, len(ids))
	var id uuid.UUID
	var bytes []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &bytes}, func() error {
		if _, err := s.wrap.Unwrap(id, bytes); err != nil {
			return fmt.Errorf("key %s: %w", id, err)
		}
		wrapped[id] = bytes
		return nil
	})
	return wrapped, postgres.SQLError(err)
}

// among compares with one id as with any of several. PostgreSQL plans a query with an
// array anew each time, which takes longer than to read one key.
func among(ids []uuid.UUID) (one func(parameter string) string, value any) {
	if len(ids) == 1 {
		return func(parameter string) string { return parameter }, ids[0]
	}
	return func(parameter string) string { return "ANY (" + parameter + ")" }, ids
}
