// Package employee holds what is agreed and found between an employee and the company:
// trainings, goals, reviews of performance and incentives.
//
// It promises that a record is of a contact that holds, or held, the role EMPLOYEE, and
// that it stays what it is: a goal never becomes an incentive.
package employee

import (
	"encoding/json"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// Kind is what a record is, numbered as in the contract.
type Kind int16

// Record is one thing agreed or found.
type Record struct {
	entity.Meta
	Contact uuid.UUID `db:"contact"`
	Kind    Kind      `db:"kind"`
	// Content is what was agreed or found: the message of the kind as JSON.
	Content json.RawMessage `db:"content,json"`
}

var errNoEmployee = errs.Refused("ROLE_NOT_HELD", "the contact is no employee and never was")

// RefuseOthers refuses a record of a contact that was never an employee.
func RefuseOthers(c *contact.Contact) error {
	if !c.Held(contact.Employee) {
		return errNoEmployee
	}
	return nil
}
