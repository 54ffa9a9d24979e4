package order

import (
	"time"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/line"
)

// Has tells which of some lines the order has, each of its own lines standing for
// one of them.
func (o *Order) Has(lines []line.Item) []bool {
	has := make([]bool, len(lines))
	used := make([]bool, len(o.Lines))
	for i, l := range lines {
		for j, mine := range o.Lines {
			if !used[j] && mine.Code == l.Code && mine.Quantity == l.Quantity && mine.UnitPrice == l.UnitPrice {
				has[i], used[j] = true, true
				break
			}
		}
	}
	return has
}

// TakeBack voids and deletes a sale whose record was a mistake, and lets its ids in
// other systems go, so that it can be recorded again.
func (o *Order) TakeBack(reason string, now time.Time) []entity.Event {
	events, err := o.Cancel(reason, now)
	if err != nil {
		events = nil // cancelled already
	}
	o.DeleteTime, o.ExternalIDs = &now, nil
	return append(events, entity.Deleted{})
}
