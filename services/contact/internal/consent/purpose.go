package consent

import (
	"fmt"
	"slices"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// Basis is the right on which a purpose rests, numbered as in the contract.
type Basis int32

// The rights there are.
const (
	Agreement          Basis = 1
	Contract           Basis = 2
	LegalObligation    Basis = 3
	LegitimateInterest Basis = 4
)

// Purpose is what personal data is used for.
type Purpose struct {
	entity.Meta
	// Code is what the ledger calls it. It never changes.
	Code        string `db:"code"`
	DisplayName string `db:"display_name"`
	Description string `db:"description"`
	Basis       Basis  `db:"legal_basis"`
	// ConsentDays is how long a grant is trusted; 0 is without end.
	ConsentDays int32 `db:"consent_days"`
	// RetentionDays is how long data is kept after the purpose has ended.
	RetentionDays int32 `db:"retention_days"`
	// Roles are those whose holders it concerns where it does not rest on consent.
	Roles []contact.RoleKind `db:"roles,json"`
}

// Check answers what is wrong with a purpose as a whole.
func (p *Purpose) Check() []errs.Violation {
	var violations []errs.Violation
	wrong := func(field, description string) {
		violations = append(violations, errs.Violation{Field: field, Description: description})
	}
	if p.ConsentDays > 0 && p.Basis != Agreement {
		wrong("consent_days", "is for purposes that rest on consent")
	}
	if len(p.Roles) > 0 && p.Basis == Agreement {
		wrong("roles", "is for purposes that do not rest on consent: those concern whoever consented")
	}
	for i, role := range p.Roles {
		if slices.Contains(p.Roles[:i], role) {
			wrong(fmt.Sprintf("roles[%d]", i), "stands in this list already")
		}
	}
	return violations
}

// OffFile is what holds for a purpose that is not on file: it rests on consent, but
// for Transactional, which rests on a contract.
func OffFile(code string) Purpose {
	if code == Transactional {
		return Purpose{Code: code, Basis: Contract}
	}
	return Purpose{Code: code, Basis: Agreement}
}

// courts is whether the purpose approaches a contact of our own accord, so that the
// hours it prefers count.
func (p *Purpose) courts() bool { return p.Basis == Agreement || p.Basis == LegitimateInterest }

// ends is when a grant of the purpose ends; nil where it does not.
func (p *Purpose) ends(grant *Entry) *time.Time {
	end := grant.ExpireTime
	if p.ConsentDays == 0 {
		return end
	}
	if last := grant.OccurredAt.AddDate(0, 0, int(p.ConsentDays)); end == nil || last.Before(*end) {
		return &last
	}
	return end
}
