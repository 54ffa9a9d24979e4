package store

import (
	"time"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/type/date"

	"github.com/lingkar-crm/lingkar/pkg/fields"
)

// ContactName answers the name of a contact.
func ContactName(id uuid.UUID) string { return contacts + "/" + id.String() }

// PipelineName answers the name of a pipeline.
func PipelineName(id uuid.UUID) string { return pipelines + "/" + id.String() }

// OpportunityName answers the name of an opportunity.
func OpportunityName(id uuid.UUID) string { return opportunities + "/" + id.String() }

// ContactID answers the id in the name of a contact, or INVALID_ARGUMENT.
func ContactID(name string) (uuid.UUID, error) {
	var r fields.Reader
	id := r.Ref("contact", contacts, name)
	return id, r.Err()
}

// ProductName answers the name of a product.
func ProductName(id uuid.UUID) string { return products + "/" + id.String() }

// PriceListName answers the name of a price list, empty where there is none.
func PriceListName(id *uuid.UUID) string { return fields.Name(priceLists, id) }

// PriceName answers the name of a price.
func PriceName(id uuid.UUID) string { return prices + "/" + id.String() }

// OrderName answers the name of an order.
func OrderName(id uuid.UUID) string { return orders + "/" + id.String() }

// day answers the message of a date, nil where there is none.
func day(t *time.Time) *date.Date {
	if t == nil {
		return nil
	}
	return &date.Date{Year: int32(t.Year()), Month: int32(t.Month()), Day: int32(t.Day())}
}
