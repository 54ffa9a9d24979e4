package eventlog

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lingkar-crm/lingkar/pkg/failpoint"
)

// KeyCache is the Keys of every service but the one that owns them: it keeps
// what Load answered for at most KeyLifetime. Drop a contact's entry when its
// ContactErased arrives.
type KeyCache struct {
	load func(ctx context.Context, tenant uuid.UUID, contacts []uuid.UUID) (map[uuid.UUID]Key, error)
	now  func() time.Time

	// generation stops a Fetch that began before a Drop from bringing the key
	// back.
	mu         sync.Mutex
	generation uint64
	keys       *lru.Cache[keyName, cachedKey]
}

// KeyLifetime is how long a key is trusted without asking again: the longest
// time that a destroyed key may still be used by a service that missed the news.
const KeyLifetime = 5 * time.Minute

// keyCacheSize bounds the memory of a cache, to about 20 MB.
const keyCacheSize = 50_000

type keyName struct{ tenant, contact uuid.UUID }

type cachedKey struct {
	key     Key
	expires time.Time
}

// NewKeyCache makes a cache in front of load, which answers the keys of those
// contacts that have one, and leaves out those whose key was destroyed.
func NewKeyCache(now func() time.Time, load func(ctx context.Context, tenant uuid.UUID, contacts []uuid.UUID) (map[uuid.UUID]Key, error)) *KeyCache {
	keys, err := lru.New[keyName, cachedKey](keyCacheSize)
	if err != nil {
		panic(err) // the size is a positive constant
	}
	return &KeyCache{load: load, now: now, keys: keys}
}

// Cached implements Keys.
func (c *KeyCache) Cached(tenant, contact uuid.UUID) (Key, bool) {
	entry, ok := c.keys.Get(keyName{tenant, contact})
	if !ok || !c.now().Before(entry.expires) {
		return Key{}, false
	}
	return entry.key, true
}

// Fetch implements Keys.
func (c *KeyCache) Fetch(ctx context.Context, tenant uuid.UUID, contacts ...uuid.UUID) error {
	c.mu.Lock()
	began := c.generation
	c.mu.Unlock()
	if err := failpoint.Hit(failpoint.KeysBeforeFetch); err != nil {
		return err
	}
	loaded, err := c.load(ctx, tenant, contacts)
	if err != nil {
		return fmt.Errorf("fetch keys: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.generation != began {
		return nil // a key was dropped meanwhile: the caller finds nothing cached and asks again
	}
	expires := c.now().Add(KeyLifetime)
	for _, contact := range contacts {
		c.keys.Add(keyName{tenant, contact}, cachedKey{key: loaded[contact], expires: expires})
	}
	return nil
}

// Drop forgets the key of a contact at once.
func (c *KeyCache) Drop(tenant, contact uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	c.keys.Remove(keyName{tenant, contact})
}
