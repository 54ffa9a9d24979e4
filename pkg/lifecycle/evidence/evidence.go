// Package evidence says what events show of where their contacts stand: whether they have
// to do with us, what they bought, and whether they are marked as without need.
//
// The service that tells of moves and the one that counts read the same events, and both
// read them here, so that they cannot disagree.
package evidence

import (
	"strings"
	"time"

	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

// NoNeedLabel marks a contact as REST_OF_WORLD (CON-20) where its value is "true".
const NoNeedLabel = "rest_of_world"

// Relates says whether an event shows that its contacts have to do with us: they met us,
// they are bound to one of our contacts, a typed fact tells of them (CON-18), or sales or
// service works for them. That a campaign wrote to somebody shows nothing until there is
// an answer.
func Relates(e *eventv1.Event) bool {
	collection, _, _ := strings.Cut(e.GetAggregate(), "/")
	switch {
	case e.GetInteraction() != nil:
		return e.GetArea() != "campaign" || e.GetInteraction().GetDirection() == eventv1.Direction_DIRECTION_INBOUND
	case collection == "relationships", collection == "facts":
		return true
	default:
		return e.GetArea() == "sales" || e.GetArea() == "ticket"
	}
}

// Purchase answers when an order was a purchase, as its event of an instant shows it. It
// answers false where it is none: not yet confirmed, cancelled or deleted.
func Purchase(o *salesv1.Order, occurred time.Time) (time.Time, bool) {
	if o.GetStatus() != salesv1.OrderStatus_ORDER_STATUS_CONFIRMED || o.GetDeleteTime() != nil {
		return time.Time{}, false
	}
	if o.GetOrderTime() != nil {
		return o.GetOrderTime().AsTime(), true
	}
	return occurred, true
}

// NoNeed says whether a contact is marked as having no need or wish for what we sell.
func NoNeed(c *contactv1.Contact) bool { return c.GetLabels()[NoNeedLabel] == "true" }

// Deleted says whether a contact counts no more. One that was erased goes on counting,
// without a name, unless it was deleted before.
func Deleted(c *contactv1.Contact) bool {
	return c.GetDeleteTime() != nil && (c.GetEraseTime() == nil || c.GetDeleteTime().AsTime().Before(c.GetEraseTime().AsTime()))
}
