package eventlog_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
)

// vault is the store of keys behind a cache: it derives the key of each contact,
// until the contact is erased.
type vault struct {
	mu     sync.Mutex
	erased map[uuid.UUID]bool
	absent map[uuid.UUID]bool
	down   error
	loads  int
}

func (v *vault) load(_ context.Context, tenant uuid.UUID, contacts []uuid.UUID) (map[uuid.UUID]eventlog.Key, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.loads++
	keys := map[uuid.UUID]eventlog.Key{}
	for _, c := range contacts {
		if v.absent[c] {
			continue
		}
		if v.erased[c] {
			keys[c] = eventlog.Key{}
			continue
		}
		secret := sha256.Sum256([]byte(tenant.String() + c.String()))
		key, err := eventlog.NewKey("key-of-"+c.String(), secret[:])
		if err != nil {
			return nil, err
		}
		keys[c] = key
	}
	return keys, v.down
}

func (v *vault) erase(contact uuid.UUID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.erased == nil {
		v.erased = map[uuid.UUID]bool{}
	}
	v.erased[contact] = true
}

func (v *vault) keys() *eventlog.KeyCache { return eventlog.NewKeyCache(time.Now, v.load) }

func TestKeyCache_trustsAKeyForFiveMinutes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	v := &vault{}
	cache := eventlog.NewKeyCache(func() time.Time { return now }, v.load)
	tenant, contact := uuid.New(), uuid.New()
	if err := cache.Fetch(t.Context(), tenant, contact); err != nil {
		t.Fatal(err)
	}

	now = now.Add(eventlog.KeyLifetime - time.Nanosecond)
	if _, ok := cache.Cached(tenant, contact); !ok {
		t.Error("the key left the cache early")
	}
	if _, ok := cache.Cached(uuid.New(), contact); ok {
		t.Error("another tenant got the key")
	}
	now = now.Add(time.Nanosecond)
	if _, ok := cache.Cached(tenant, contact); ok {
		t.Error("the key is still trusted after its lifetime")
	}
}

func TestKeyCache_remembersADestroyedKey(t *testing.T) {
	t.Parallel()
	v := &vault{}
	cache := v.keys()
	tenant, contact := uuid.New(), uuid.New()
	v.erase(contact)
	if err := cache.Fetch(t.Context(), tenant, contact); err != nil {
		t.Fatal(err)
	}
	if key, ok := cache.Cached(tenant, contact); !ok || !key.Destroyed() {
		t.Errorf("Cached = %v, %v: want a destroyed key that is known", key, ok)
	}
}

// A contact that is unknown now may be created the next moment: nothing is kept of
// it, and what is known of others is.
func TestKeyCache_keepsNoMiss(t *testing.T) {
	t.Parallel()
	tenant, known, late := uuid.New(), uuid.New(), uuid.New()
	v := &vault{absent: map[uuid.UUID]bool{late: true}}
	cache := v.keys()
	if err := cache.Fetch(t.Context(), tenant, late, known); errs.Reason(err) != "CONTACT_NOT_FOUND" {
		t.Errorf("Fetch = %v, want CONTACT_NOT_FOUND", err)
	}
	if _, ok := cache.Cached(tenant, late); ok {
		t.Error("a miss was kept")
	}
	if key, ok := cache.Cached(tenant, known); !ok || key.Destroyed() {
		t.Error("the key of the other contact was not kept")
	}
	v.absent = nil
	if err := cache.Fetch(t.Context(), tenant, late); err != nil {
		t.Fatal(err)
	}
	if key, ok := cache.Cached(tenant, late); !ok || key.Destroyed() {
		t.Errorf("Cached = %v, %v after the contact was created", key, ok)
	}
}

// A key that is dropped while it is being fetched must not come back.
func TestKeyCache_dropWinsOverAFetchUnderWay(t *testing.T) {
	t.Parallel()
	v := &vault{}
	tenant, contact := uuid.New(), uuid.New()
	var cache *eventlog.KeyCache
	cache = eventlog.NewKeyCache(time.Now, func(ctx context.Context, tn uuid.UUID, cs []uuid.UUID) (map[uuid.UUID]eventlog.Key, error) {
		keys, err := v.load(ctx, tn, cs)
		cache.Drop(tenant, contact)
		return keys, err
	})
	if err := cache.Fetch(t.Context(), tenant, contact); err != nil {
		t.Fatal(err)
	}
	if _, ok := cache.Cached(tenant, contact); ok {
		t.Error("a dropped key came back")
	}
}

func TestKeyCache_saysThatTheStoreIsDown(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	v := &vault{down: down}
	if err := v.keys().Fetch(t.Context(), uuid.New(), uuid.New()); !errors.Is(err, down) {
		t.Errorf("Fetch = %v, want %v", err, down)
	}
}
