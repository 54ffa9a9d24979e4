package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Table reads and writes rows of type T. It is made once per process and safe
// for concurrent use.
type Table[T any] struct {
	// Size, where set, answers about how many bytes a row takes on the wire: a
	// page ends when its rows reach 4 MiB.
	Size func(row *T) int
	def  Def
}

// NewTable builds the plan of T, a struct whose fields carry `db:"column"` or
// `db:"column,json"`; embedded structs count as written out. It panics where T
// and the definition do not fit each other: that is a mistake of the program.
func NewTable[T any](d Def) *Table[T] { return &Table[T]{def: d} }

// Def answers what the table was made of.
func (t *Table[T]) Def() Def { return t.def }

// QueueInsert queues the insertion of a row. A violated constraint shows when
// the batch runs: word it with Error.
func (t *Table[T]) QueueInsert(b *pgx.Batch, tenant uuid.UUID, row *T) *pgx.QueuedQuery {
	panic("not implemented")
}

// QueueUpdate queues writing all columns of a row, found by its id. NOT_FOUND
// when there is none.
func (t *Table[T]) QueueUpdate(b *pgx.Batch, tenant uuid.UUID, row *T) *pgx.QueuedQuery {
	panic("not implemented")
}

// QueueDelete queues removing the row for good. A row that is not there is no
// error.
func (t *Table[T]) QueueDelete(b *pgx.Batch, tenant, id uuid.UUID) *pgx.QueuedQuery {
	panic("not implemented")
}

// QueueGet queues reading a row, deleted or not; found gets it, or nil.
func (t *Table[T]) QueueGet(b *pgx.Batch, tenant, id uuid.UUID, found func(row *T) error) {
	panic("not implemented")
}

// QueueLock is QueueGet FOR UPDATE: the row stays as it is until the end of the
// transaction.
func (t *Table[T]) QueueLock(b *pgx.Batch, tenant, id uuid.UUID, found func(row *T) error) {
	panic("not implemented")
}

// Get reads a row in one round trip, deleted or not. NOT_FOUND when there is
// none.
func (t *Table[T]) Get(ctx context.Context, db Sender, tenant, id uuid.UUID) (*T, error) {
	panic("not implemented")
}

// GetAll reads the rows in one round trip, in the order of ids. NOT_FOUND, naming
// the first id that is missing, when there is one.
func (t *Table[T]) GetAll(ctx context.Context, db Sender, tenant uuid.UUID, ids []uuid.UUID) ([]*T, error) {
	panic("not implemented")
}

// List reads one page, and answers the token of the next, empty at the end.
func (t *Table[T]) List(ctx context.Context, db *DB, tenant uuid.UUID, q Query) (rows []*T, next string, err error) {
	panic("not implemented")
}

// Error answers what a violated constraint of the definition means, and any
// other error as SQLError words it.
func (t *Table[T]) Error(err error) error { panic("not implemented") }
