package eventlog

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/failpoint"
)

// LoadKeys answers the keys of those contacts that exist, a zero Key for one that
// was destroyed, and leaves out the contacts that are unknown.
type LoadKeys func(ctx context.Context, tenant uuid.UUID, contacts []uuid.UUID) (map[uuid.UUID]Key, error)

// KeyCache is the Keys of every service but the one that owns them: it keeps
// what LoadKeys answered for at most KeyLifetime. That a contact is unknown is not
// kept, because it may be created at any moment. Drop a contact's entry when its
// ContactErased arrives.
type KeyCache struct {
	load LoadKeys
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

// NewKeyCache makes a cache in front of load.
func NewKeyCache(now func() time.Time, load LoadKeys) *KeyCache {
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
		if key, known := loaded[contact]; known {
			c.keys.Add(keyName{tenant, contact}, cachedKey{key: key, expires: expires})
		} else if err == nil {
			err = errs.NotFound("contact", "contacts/"+contact.String())
		}
	}
	return err
}

// Drop forgets the key of a contact at once.
func (c *KeyCache) Drop(tenant, contact uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	c.keys.Remove(keyName{tenant, contact})
}
