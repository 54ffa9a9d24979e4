package store

import (
	"errors"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/text"
)

// The collections of resource names.
const (
	contacts          = "contacts"
	relationshipTypes = "relationshipTypes"
	relationships     = "relationships"
	interactions      = "interactions"
	consents          = "consents"
	documents         = "documents"
	contactMerges     = "contactMerges"
	purposes          = "purposes"
	recipients        = "recipients"
	legalHolds        = "legalHolds"
	employeeRecords   = "employeeRecords"
	facts             = "facts"
	publications      = "publications"

	informationRequests = "informationRequests"
	portalAccesses      = "portalAccesses"
)

// named answers the name of a resource.
func named(collection string, id uuid.UUID) string { return fields.Name(collection, &id) }

// Instant reads a time as precise as the database keeps it; zero where it is not
// set.
func Instant(p *timestamppb.Timestamp) time.Time {
	if p == nil {
		return time.Time{}
	}
	return p.AsTime().Truncate(time.Microsecond)
}

// until reads a time that may be absent; nil where it is.
func until(r *fields.Reader, field string, p *timestamppb.Timestamp) *time.Time {
	if p == nil {
		return nil
	}
	t := r.Time(field, p)
	return &t
}

// refuse notes what a parser of pkg/text said, if anything.
func refuse(r *fields.Reader, field string, err error) {
	var wrong *text.Error
	if errors.As(err, &wrong) {
		r.Fail(field, wrong.Reason, wrong.Description)
	}
}
