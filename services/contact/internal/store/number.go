package store

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// numberBlock is how many Customer IDs a process takes at once. What is left of a
// block when the process ends is a gap.
const numberBlock = 64

// numbers hands out Customer IDs. It takes blocks in transactions of their own,
// so that creations of one tenant never wait for one another's commit.
type numbers struct {
	db *postgres.DB

	mu      sync.Mutex
	tenants map[uuid.UUID]*block
}

// block is what is left of a tenant's block: next up to, but not including, end.
type block struct {
	mu        sync.Mutex
	next, end int64
}

// Take answers n new Customer IDs of the tenant.
func (n *numbers) Take(ctx context.Context, tenant uuid.UUID, count int) ([]string, error) {
	b := n.block(tenant)
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := make([]string, 0, count)
	for len(ids) < count {
		if b.next == b.end {
			size := int64(max(numberBlock, count-len(ids)))
			next, err := n.allocate(ctx, tenant, size)
			if err != nil {
				return nil, fmt.Errorf("take Customer IDs: %w", err)
			}
			b.next, b.end = next, next+size
		}
		ids = append(ids, customerID(b.next))
		b.next++
	}
	return ids, nil
}

func (n *numbers) block(tenant uuid.UUID) *block {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.tenants == nil {
		n.tenants = map[uuid.UUID]*block{}
	}
	b := n.tenants[tenant]
	if b == nil {
		b = &block{}
		n.tenants[tenant] = b
	}
	return b
}

// allocate answers the first of size numbers that are ours from now on.
func (n *numbers) allocate(ctx context.Context, tenant uuid.UUID, size int64) (first int64, err error) {
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		INSERT INTO customer_number (tenant, next)
		VALUES ($1, 1 + $2::bigint)
		ON CONFLICT (tenant) DO UPDATE
		SET next = customer_number.next + $2
		RETURNING next - $2`, tenant, size).
		QueryRow(func(row pgx.Row) error { return row.Scan(&first) })
	return first, postgres.Run(ctx, n.db, b)
}

// customerID writes a number as people read it: at least six digits.
func customerID(number int64) string { return fmt.Sprintf("C-%06d", number) }

var customerIDForm = regexp.MustCompile(`^[cC]-?([0-9]{1,18})$`)

// ParseCustomerID brings a Customer ID as people type it ("c-123") into its form.
func ParseCustomerID(s string) (id string, ok bool) {
	m := customerIDForm.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return "", false
	}
	number, err := strconv.ParseInt(m[1], 10, 64)
	return customerID(number), err == nil && number > 0
}
