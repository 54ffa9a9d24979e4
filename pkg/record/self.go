package record

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// Self says which rows of a resource a portal caller reaches: twice, for a row that was
// read and for a list, and both must say the same.
type Self[T any] struct {
	// Sees says whether it is one of them.
	Sees func(ctx context.Context, row *T) bool
	// Where are they as conditions.
	Where func(ctx context.Context) []postgres.Cond
}

// OfContact reaches the rows of the contacts that the caller stands for: the column holds
// the contact, and of answers it. A row that was deleted is out of reach.
func OfContact[T any](column string, of func(*T) (contact uuid.UUID, deleted bool)) *Self[T] {
	return &Self[T]{
		Sees: func(ctx context.Context, row *T) bool {
			contact, deleted := of(row)
			return !deleted && slices.Contains(auth.SelfFrom(ctx), contact)
		},
		Where: func(ctx context.Context) []postgres.Cond {
			self := auth.SelfFrom(ctx)
			if len(self) == 1 { // an index answers this in order
				return []postgres.Cond{postgres.Eq(column, self[0])}
			}
			return []postgres.Cond{postgres.In(column, self)}
		},
	}
}
