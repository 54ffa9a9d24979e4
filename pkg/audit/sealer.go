package audit

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

const (
	// sealInterval is how long an entry waits for others to be sealed with.
	sealInterval = time.Second
	// sealMost is how many entries one transaction seals.
	sealMost = 20_000
	// sealLock lets one replica seal at a time: "lkaudit" in ASCII.
	sealLock = int64(0x6c6b6175646974)
)

// Sealer puts the entries of a service's audit log into blocks. Every replica may run
// one.
type Sealer struct {
	// DB is the service's database as role relay.
	DB     *pgxpool.Pool
	Signer Signer
	Now    func() time.Time
	Logger *slog.Logger
}

// Run seals until ctx ends.
func (s *Sealer) Run(ctx context.Context) error {
	tick := time.NewTicker(sealInterval)
	defer tick.Stop()
	for {
		sealed, err := s.Seal(ctx)
		if err != nil {
			return err
		}
		if sealed == sealMost {
			continue // there may be more
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Seal seals what is to be sealed now, at most sealMost entries, and answers how many
// these were: none where another replica is at it.
func (s *Sealer) Seal(ctx context.Context) (sealed int, err error) {
	err = postgres.InTx(ctx, s.DB, func(tx pgx.Tx) error {
		sealed = 0
		var mine bool
		if err := tx.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1)", sealLock).Scan(&mine); err != nil || !mine {
			return err
		}
		loose, err := s.loose(ctx, tx)
		if err != nil || len(loose) == 0 {
			return err
		}
		sealed = len(loose)
		return s.write(ctx, tx, byTenant(loose))
	})
	if err != nil {
		return 0, fmt.Errorf("audit: sealing: %w", err)
	}
	return sealed, nil
}

// loose is an entry that no block seals.
type loose struct {
	tenant   uuid.UUID
	position int64
	leaf     Hash
}

func (s *Sealer) loose(ctx context.Context, tx pgx.Tx) ([]loose, error) {
	rows, err := tx.Query(ctx, `
		SELECT tenant, position, leaf FROM audit WHERE block IS NULL
		ORDER BY tenant, position
		LIMIT $1`, sealMost)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (l loose, err error) {
		var leaf []byte
		err = row.Scan(&l.tenant, &l.position, &leaf)
		copy(l.leaf[:], leaf)
		return l, err
	})
}

// byTenant cuts entries, which are sorted, into those of each tenant.
func byTenant(all []loose) [][]loose {
	var parts [][]loose
	for start := 0; start < len(all); {
		end := start + 1
		for end < len(all) && bytes.Equal(all[end].tenant[:], all[start].tenant[:]) {
			end++
		}
		parts, start = append(parts, all[start:end]), end
	}
	return parts
}

// write makes a block of each part and marks its entries.
func (s *Sealer) write(ctx context.Context, tx pgx.Tx, parts [][]loose) error {
	tenants := make([]uuid.UUID, len(parts))
	for i, part := range parts {
		tenants[i] = part[0].tenant
	}
	heads, err := heads(ctx, tx, tenants)
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	for _, part := range parts {
		block := s.block(part, heads[part[0].tenant])
		hash := block.Hash()
		b.Queue(`
			INSERT INTO audit_block (tenant, number, previous, root, entries, first, last, seal_time, hash, key, signature)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			block.Tenant, block.Number, block.Previous[:], block.Root[:], block.Entries, block.First, block.Last, block.SealTime, hash[:], block.Key, block.Signature)
		positions := make([]int64, len(part))
		for i, l := range part {
			positions[i] = l.position
		}
		b.Queue("UPDATE audit SET block = $3 WHERE tenant = $1 AND position = ANY ($2)", block.Tenant, positions, block.Number)
	}
	return tx.SendBatch(ctx, b).Close()
}

// block makes the next block of a tenant.
func (s *Sealer) block(part []loose, head Block) Block {
	leaves := make([]Hash, len(part))
	for i, l := range part {
		leaves[i] = l.leaf
	}
	block := Block{
		Tenant: part[0].tenant, Number: head.Number + 1, Root: Root(leaves), Entries: int64(len(part)),
		First: part[0].position, Last: part[len(part)-1].position, SealTime: s.Now().UTC().Truncate(time.Microsecond),
	}
	if head.Number > 0 {
		block.Previous = head.Hash()
	}
	block.Key, block.Signature = s.Signer.Sign(block.message())
	return block
}

// heads answers the last block of each tenant that has one.
func heads(ctx context.Context, tx pgx.Tx, tenants []uuid.UUID) (map[uuid.UUID]Block, error) {
	rows, err := tx.Query(ctx, `
		SELECT b.* FROM unnest($1::uuid[]) AS t (id)
		CROSS JOIN LATERAL (
			SELECT `+blockColumns+` FROM audit_block WHERE tenant = t.id ORDER BY number DESC LIMIT 1
		) AS b`, tenants)
	if err != nil {
		return nil, err
	}
	found := map[uuid.UUID]Block{}
	all, err := pgx.CollectRows(rows, scanBlock)
	for _, b := range all {
		found[b.Tenant] = b
	}
	return found, err
}

const blockColumns = "tenant, number, previous, root, entries, first, last, seal_time, key, signature"

func scanBlock(row pgx.CollectableRow) (b Block, err error) {
	var previous, root []byte
	err = row.Scan(&b.Tenant, &b.Number, &previous, &root, &b.Entries, &b.First, &b.Last, &b.SealTime, &b.Key, &b.Signature)
	copy(b.Previous[:], previous)
	copy(b.Root[:], root)
	return b, err
}
