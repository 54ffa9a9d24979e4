package fieldaccess

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

const (
	// fresh is how long the rules of a tenant are not read again, and usable how long
	// they are used while they are read again.
	fresh  = 2 * time.Second
	usable = 8 * time.Second
	// remembered is of how many tenants rules are kept in memory.
	remembered = 4096
	// readTimeout bounds reading the rules of a tenant.
	readTimeout = 2 * time.Second
)

// Book answers the policies of tenants, from memory where it read them a moment ago.
type Book struct {
	db    *postgres.DB
	pages *lru.Cache[uuid.UUID, *page]
}

// page is what is known of one tenant.
type page struct {
	mu      sync.Mutex
	policy  *Policy
	readAt  time.Time
	reading bool
}

// NewBook makes a book over a database that has the table field_access.
func NewBook(db *postgres.DB) *Book {
	pages, err := lru.New[uuid.UUID, *page](remembered)
	if err != nil {
		panic(err) // it fails for a size below one
	}
	return &Book{db: db, pages: pages}
}

// Of answers the policy of a tenant, at most ten seconds old. Where it cannot be read
// no call is let through: the error is that of the storage.
func (b *Book) Of(ctx context.Context, tenant uuid.UUID) (*Policy, error) {
	p, ok := b.pages.Get(tenant)
	if !ok {
		p = &page{}
		if first, known, _ := b.pages.PeekOrAdd(tenant, p); known {
			p = first
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch age := time.Since(p.readAt); {
	case age < fresh:
		return p.policy, nil
	case age < usable:
		if !p.reading {
			p.reading = true
			go b.refresh(tenant, p)
		}
		return p.policy, nil
	}
	// Whoever else asks waits for this one.
	policy, err := b.read(ctx, tenant)
	if err != nil {
		return nil, err
	}
	p.policy, p.readAt = policy, time.Now()
	return policy, nil
}

// refresh reads the rules of a tenant while the old ones are used. An error leaves
// those in use until they are too old.
func (b *Book) refresh(tenant uuid.UUID, p *page) {
	policy, err := b.read(context.Background(), tenant)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reading = false
	if err == nil {
		p.policy, p.readAt = policy, time.Now()
	}
}

// read reads in a context of its own: that a call needs the rules is no part of the
// call, and its end does not end what others wait for.
func (b *Book) read(ctx context.Context, tenant uuid.UUID) (*Policy, error) {
	if err := ctx.Err(); err != nil {
		return nil, postgres.SQLError(err)
	}
	own, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	var rules []Rule
	batch := &pgx.Batch{}
	postgres.QueueTenant(batch, tenant)
	batch.Queue("SELECT resource_type, field, readers, writers FROM field_access WHERE tenant = $1 AND NOT deleted", tenant).
		Query(func(rows pgx.Rows) error {
			var r Rule
			var readers, writers []string
			_, err := pgx.ForEachRow(rows, []any{&r.Type, &r.Field, &readers, &writers}, func() error {
				rules = append(rules, Rule{Type: r.Type, Field: r.Field, Readers: roles(readers), Writers: roles(writers)})
				return nil
			})
			return err
		})
	if err := postgres.Run(own, b.db, batch); err != nil {
		return nil, err
	}
	return NewPolicy(rules), nil
}
