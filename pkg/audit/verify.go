package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// maxFaults is how many faults a report names.
const maxFaults = 100

// Wrong says what is wrong with a block or an entry.
type Wrong string

// What can be wrong.
const (
	// Changed: an entry is not what was sealed.
	Changed Wrong = "ENTRY_CHANGED"
	// Entries: the entries of a block are not those that were sealed: one was removed,
	// added, moved, or changed together with its leaf.
	Entries Wrong = "ENTRIES_DIFFER"
	// Unknown: an entry names a block that there is not.
	Unknown Wrong = "BLOCK_UNKNOWN"
	// Missing: a block of the chain is not there.
	Missing Wrong = "BLOCK_MISSING"
	// Chain: a block does not follow from the one before.
	Chain Wrong = "CHAIN_BROKEN"
	// Signature: a block is not signed by a known key.
	Signature Wrong = "SIGNATURE_INVALID"
	// Head: the block that was kept elsewhere is not in the chain.
	Head Wrong = "HEAD_MISSING"
)

// Fault is something that is wrong.
type Fault struct {
	Wrong Wrong
	// Block is the number of the block; Position that of the entry, 0 where it is about
	// the block.
	Block, Position int64
}

// Report says whether an audit log is what was sealed.
type Report struct {
	// Blocks, Sealed and Loose are how many blocks there are, and entries in and not yet
	// in one.
	Blocks, Sealed, Loose int64
	// Head is the last block; the zero Block where there is none.
	Head Block
	// Faults are the first hundred that were found.
	Faults []Fault
}

func (r *Report) add(wrong Wrong, block, position int64) {
	if len(r.Faults) < maxFaults {
		r.Faults = append(r.Faults, Fault{Wrong: wrong, Block: block, Position: position})
	}
}

// Kept is a head that was noted down elsewhere: the number of a block and its hash.
type Kept struct {
	Number int64
	Hash   Hash
}

// Verify reads the whole audit log of a tenant and compares it with its blocks. Where a
// head was kept, it must be in the chain.
func Verify(ctx context.Context, db *postgres.DB, tenant uuid.UUID, keys Keys, kept *Kept) (*Report, error) {
	r := &Report{}
	err := postgres.InTx(ctx, db.App, func(tx pgx.Tx) error {
		*r = Report{}
		if _, err := tx.Exec(ctx, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "SELECT set_config('app.tenant', $1, true)", tenant.String()); err != nil {
			return err
		}
		blocks, err := r.chain(ctx, tx, tenant, keys, kept)
		if err != nil {
			return err
		}
		return r.entries(ctx, tx, tenant, blocks)
	})
	return r, err
}

// chain reads the blocks and compares each with the one before.
func (r *Report) chain(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, keys Keys, kept *Kept) (map[int64]*sealing, error) {
	rows, err := tx.Query(ctx, "SELECT "+blockColumns+" FROM audit_block WHERE tenant = $1 ORDER BY number", tenant)
	if err != nil {
		return nil, err
	}
	blocks, err := pgx.CollectRows(rows, scanBlock)
	if err != nil {
		return nil, err
	}
	all := make(map[int64]*sealing, len(blocks))
	found := kept == nil
	var previous Hash
	for _, b := range blocks {
		for r.Head.Number+1 < b.Number && len(r.Faults) < maxFaults {
			r.Head.Number++
			r.add(Missing, r.Head.Number, 0)
		}
		if b.Previous != previous {
			r.add(Chain, b.Number, 0)
		}
		if !keys.signed(b) {
			r.add(Signature, b.Number, 0)
		}
		previous, r.Head = b.Hash(), b
		found = found || b.Number == kept.Number && previous == kept.Hash
		all[b.Number] = &sealing{block: b}
	}
	if !found {
		r.add(Head, kept.Number, 0)
	}
	r.Blocks = int64(len(blocks))
	return all, nil
}

// sealing are the entries of a block that were met so far.
type sealing struct {
	block  Block
	leaves []Hash
	done   bool
}

// entries reads the entries in the order of their positions. Those of one block lie
// between its first and its last, so few blocks are open at a time.
func (r *Report) entries(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, blocks map[int64]*sealing) error {
	rows, err := tx.Query(ctx, `
		SELECT position, recorded_at, actor, method, resource, seq, request_id, correlation_id, note, leaf, block
		FROM audit WHERE tenant = $1 ORDER BY position`, tenant)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		e, err := scanEntry(rows, tenant)
		if err != nil {
			return err
		}
		r.meet(e, blocks)
	}
	for number := int64(1); number <= r.Head.Number; number++ {
		if s := blocks[number]; s != nil {
			r.close(s)
		}
	}
	return rows.Err()
}

// entry is one of the log as it is stored.
type entry struct {
	eventlog.AuditEntry
	position int64
	leaf     Hash
	block    *int64
}

func scanEntry(row pgx.Row, tenant uuid.UUID) (e entry, err error) {
	var leaf []byte
	e.Tenant = tenant
	err = row.Scan(&e.position, &e.RecordedAt, &e.Actor, &e.Method, &e.Resource, &e.Seq, &e.RequestID, &e.CorrelationID, &e.Note, &leaf, &e.block)
	copy(e.leaf[:], leaf)
	return e, err
}

func (r *Report) meet(e entry, blocks map[int64]*sealing) {
	if e.block == nil {
		r.Loose++
		return
	}
	r.Sealed++
	s := blocks[*e.block]
	if s == nil {
		r.add(Unknown, *e.block, e.position)
		return
	}
	leaf := e.Leaf()
	if leaf != e.leaf {
		r.add(Changed, *e.block, e.position)
	}
	if s.done {
		r.add(Entries, *e.block, e.position)
		return
	}
	if s.leaves = append(s.leaves, leaf); e.position >= s.block.Last {
		r.close(s)
	}
}

// close compares what was met of a block with what it seals.
func (r *Report) close(s *sealing) {
	if s.done {
		return
	}
	if int64(len(s.leaves)) != s.block.Entries || Root(s.leaves) != s.block.Root {
		r.add(Entries, s.block.Number, 0)
	}
	s.done, s.leaves = true, nil
}

// Proof shows that an entry is sealed by a block, to somebody who has the block alone.
type Proof struct {
	Entry eventlog.AuditEntry
	Block Block
	// Index is the entry's among those of the block.
	Index int64
	Path  []Hash
}

// Prove answers the proof of the entry at a position, NOT_FOUND where there is none, or
// FAILED_PRECONDITION NOT_SEALED where no block seals it yet.
func Prove(ctx context.Context, db *postgres.DB, tenant uuid.UUID, position int64) (*Proof, error) {
	p := &Proof{}
	err := postgres.InTx(ctx, db.App, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT set_config('app.tenant', $1, true)", tenant.String()); err != nil {
			return err
		}
		e, err := scanEntry(tx.QueryRow(ctx, `
			SELECT position, recorded_at, actor, method, resource, seq, request_id, correlation_id, note, leaf, block
			FROM audit WHERE tenant = $1 AND position = $2`, tenant, position), tenant)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return errs.NotFound("audit entry", fmt.Sprint(position))
		case err != nil:
			return err
		case e.block == nil:
			return errs.Refused("NOT_SEALED", "no block seals the entry yet: ask again in a second")
		}
		p.Entry = e.AuditEntry
		rows, err := tx.Query(ctx, "SELECT "+blockColumns+" FROM audit_block WHERE tenant = $1 AND number = $2", tenant, *e.block)
		if err != nil {
			return err
		}
		if p.Block, err = pgx.CollectExactlyOneRow(rows, scanBlock); err != nil {
			return err
		}
		return p.along(ctx, tx, tenant, position)
	})
	return p, err
}

// along finds the way from the entry to the root of its block.
func (p *Proof) along(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, position int64) error {
	rows, err := tx.Query(ctx, `
		SELECT position, leaf FROM audit
		WHERE tenant = $1 AND position BETWEEN $2 AND $3 AND block = $4
		ORDER BY position`, tenant, p.Block.First, p.Block.Last, p.Block.Number)
	if err != nil {
		return err
	}
	var leaves []Hash
	var at int64
	var leaf []byte
	_, err = pgx.ForEachRow(rows, []any{&at, &leaf}, func() error {
		if at == position {
			p.Index = int64(len(leaves))
		}
		leaves = append(leaves, Hash(leaf))
		return nil
	})
	if err == nil && len(leaves) > 0 {
		p.Path = Path(leaves, int(p.Index))
	}
	return err
}

// Holds tells whether the proof is right, and its block signed by one of the keys.
func (p *Proof) Holds(keys Keys) bool {
	return keys.signed(p.Block) && Included(p.Block.Root, p.Entry.Leaf(), p.Index, p.Block.Entries, p.Path)
}
