// Package product holds the catalogue: what the company sells.
//
// A product is known by its code, which is unique within the tenant (the
// database sees to that), also among deleted ones. What lines say of a product is
// copied when they are written, so nothing here rewrites the past.
package product

import (
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// Piece is the unit of a product that names none.
const Piece = "piece"

// Product is something that can be sold.
type Product struct {
	entity.Meta
	Code        string `db:"code"`
	DisplayName string `db:"display_name"`
	Description string `db:"description"`
	Category    string `db:"category"`
	Series      string `db:"series"`
	Unit        string `db:"unit"`
	// Active says whether it may be put on new lines.
	Active bool `db:"active"`
}

// Check answers what is missing, after it has set what has a default.
func (p *Product) Check() []errs.Violation {
	if p.Unit == "" {
		p.Unit = Piece
	}
	var v []errs.Violation
	if p.Code == "" {
		v = append(v, errs.Violation{Field: "code", Description: "a product needs a code"})
	}
	if p.DisplayName == "" {
		v = append(v, errs.Violation{Field: "display_name", Description: "a product needs a name"})
	}
	return v
}

// ErrInactive says that a product is not sold any more.
var ErrInactive = errs.Refused("PRODUCT_INACTIVE", "the product is not sold any more")

// Sellable says whether it may be put on a new line.
func (p *Product) Sellable() error {
	if !p.Active || p.Deleted() {
		return ErrInactive.With("resource", "products/"+p.ID.String())
	}
	return nil
}
