package store

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// blockSize is how many ticket numbers a process takes at once: it is also the
// most that are lost when it ends.
const blockSize = 50

// Numbers gives out ticket numbers: each once, rising within a process, with gaps
// where a process ended or a ticket was not opened after all.
type Numbers struct {
	db *postgres.DB

	mu     sync.Mutex
	blocks map[uuid.UUID]*block
}

// block is what is left of a tenant's block: the numbers after last up to end.
type block struct {
	mu        sync.Mutex
	last, end int64
}

// newNumbers gives out the numbers of the database.
func newNumbers(db *postgres.DB) *Numbers {
	return &Numbers{db: db, blocks: map[uuid.UUID]*block{}}
}

// Next answers a number of the tenant that was never given before.
func (n *Numbers) Next(ctx context.Context, tenant uuid.UUID) (int64, error) {
	n.mu.Lock()
	b := n.blocks[tenant]
	if b == nil {
		b = &block{}
		n.blocks[tenant] = b
	}
	n.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last == b.end {
		end, err := n.take(ctx, tenant)
		if err != nil {
			return 0, err
		}
		b.last, b.end = end-blockSize, end
	}
	b.last++
	return b.last, nil
}

// take reserves the next block in the database and answers its last number.
func (n *Numbers) take(ctx context.Context, tenant uuid.UUID) (end int64, err error) {
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		INSERT INTO ticket_number AS t (tenant, last)
		VALUES ($1, $2)
		ON CONFLICT (tenant) DO UPDATE SET last = t.last + $2
		RETURNING last`, tenant, blockSize).QueryRow(func(row pgx.Row) error { return row.Scan(&end) })
	if err := postgres.Run(ctx, n.db, b); err != nil {
		return 0, fmt.Errorf("take a block of ticket numbers: %w", err)
	}
	return end, nil
}
