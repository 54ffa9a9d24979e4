// Package legalhold is what keeps a contact from being erased for now: a lawsuit, an
// audit, a dispute.
package legalhold

import (
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
)

// Hold keeps the data of one contact.
type Hold struct {
	entity.Meta
	Contact uuid.UUID `db:"contact"`
	// Matter is what its holder calls it.
	Matter string `db:"matter"`
	// End is nil where it holds until it is released.
	End *time.Time `db:"end_time"`
}
