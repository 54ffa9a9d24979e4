// Package team says what a team is: people who look after records together. It
// has no rules of its own beyond those of every record.
package team

import "github.com/lingkar-crm/lingkar/pkg/entity"

// Team is a group of members.
type Team struct {
	entity.Meta
	DisplayName string `db:"display_name"`
	Description string `db:"description"`
}
