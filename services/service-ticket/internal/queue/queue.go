// Package queue says what a line of waiting tickets is. It has no rules of its
// own yet beyond those of every record; skills, hours and capacity will stand
// here.
package queue

import "github.com/lingkar-crm/lingkar/pkg/entity"

// Queue is a line of tickets that the same people work off.
type Queue struct {
	entity.Meta
	DisplayName string `db:"display_name"`
	Description string `db:"description"`
}
