package server

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/store"
)

// purchaseBatch collects what becomes of each of many purchases. One is settled
// when it is known to exist already or cannot be recorded; the others are to be
// recorded under the ids made for them.
type purchaseBatch struct {
	purchases []*salesv1.Purchase
	ids       []uuid.UUID
	existing  []uuid.UUID
	errors    []error
}

func newPurchaseBatch(purchases []*salesv1.Purchase) *purchaseBatch {
	n := len(purchases)
	b := &purchaseBatch{
		purchases: purchases,
		ids:       make([]uuid.UUID, n),
		existing:  make([]uuid.UUID, n),
		errors:    make([]error, n),
	}
	held := map[store.ExternalID]bool{}
	for i, p := range purchases {
		b.ids[i] = entity.NewID()
		for system, id := range p.GetExternalIds() {
			key := store.ExternalID{System: system, ID: id}
			if held[key] {
				b.fail(i, errs.Invalid(fmt.Sprintf("purchases[%d].external_ids", i), "EXTERNAL_ID_REPEATED", "another purchase of the batch has this id in that system"))
			}
			held[key] = true
		}
	}
	return b
}

func (b *purchaseBatch) settled(i int) bool {
	return b.errors[i] != nil || b.existing[i] != uuid.Nil
}

// fail settles a purchase that cannot be recorded; the first reason counts.
func (b *purchaseBatch) fail(i int, err error) {
	if b.errors[i] == nil {
		b.errors[i] = err
	}
}

// open answers the purchases that are to be recorded.
func (b *purchaseBatch) open() []int {
	var open []int
	for i := range b.purchases {
		if !b.settled(i) {
			open = append(open, i)
		}
	}
	return open
}

// response words what became of each.
func (b *purchaseBatch) response() *salesv1.BatchRecordPurchasesResponse {
	r := &salesv1.BatchRecordPurchasesResponse{}
	for i := range b.purchases {
		result := &salesv1.PurchaseResult{}
		switch {
		case b.errors[i] != nil:
			st, _ := errs.Status(b.errors[i])
			result.Error = st.Proto()
			r.FailedCount++
		case b.existing[i] != uuid.Nil:
			result.Order, result.Existing = store.OrderName(b.existing[i]), true
			r.ExistingCount++
		default:
			result.Order = store.OrderName(b.ids[i])
			r.RecordedCount++
		}
		r.Results = append(r.Results, result)
	}
	return r
}

// settleKnown settles the purchases that were recorded before: any of their
// external ids tells.
func (s *Server) settleKnown(ctx context.Context, b *purchaseBatch) error {
	var systems, ids []string
	for _, i := range b.open() {
		for system, id := range b.purchases[i].GetExternalIds() {
			systems, ids = append(systems, system), append(ids, id)
		}
	}
	held, err := s.ExternalOrders(ctx, tenantOf(ctx), systems, ids)
	if err != nil {
		return err
	}
	for _, i := range b.open() {
		for system, id := range b.purchases[i].GetExternalIds() {
			if order, known := held[store.ExternalID{System: system, ID: id}]; known {
				b.existing[i] = order
			}
		}
	}
	return nil
}

// settleContacts settles the purchases whose contact cannot be used.
func (s *Server) settleContacts(ctx context.Context, b *purchaseBatch) error {
	of, distinct := map[int]uuid.UUID{}, map[uuid.UUID]bool{}
	for _, i := range b.open() {
		id, err := store.ContactID(b.purchases[i].GetContact())
		if err != nil {
			b.fail(i, err)
			continue
		}
		of[i], distinct[id] = id, true
	}
	verdicts, err := s.usable(ctx, slices.Collect(maps.Keys(distinct)))
	if err != nil {
		return err
	}
	for i, id := range of {
		if verdicts[id] != nil {
			b.fail(i, verdicts[id])
		}
	}
	return nil
}

// settleLines describes the lines by the catalogue, read once for all, and
// settles the purchases whose lines name what does not exist.
func (s *Server) settleLines(ctx context.Context, b *purchaseBatch) error {
	var lines []*salesv1.LineItem
	for _, i := range b.open() {
		for _, l := range b.purchases[i].GetLines() {
			if _, err := s.Products.ParseName(l.GetProduct()); l.GetProduct() != "" && err != nil {
				b.fail(i, errs.Invalid("lines.product", "", "the name must be products/{uuid}"))
			}
		}
		if !b.settled(i) {
			lines = append(lines, b.purchases[i].GetLines()...)
		}
	}
	catalogue, err := s.catalogueOf(ctx, named(lines))
	if err != nil {
		return err
	}
	for _, i := range b.open() {
		if err := describeKnown(catalogue, b.purchases[i].GetLines()); err != nil {
			b.fail(i, err)
		}
	}
	return nil
}

// named leaves out lines that name no product at all: the rule refuses these.
func named(lines []*salesv1.LineItem) []*salesv1.LineItem {
	return slices.DeleteFunc(slices.Clone(lines), func(l *salesv1.LineItem) bool {
		return l.GetProduct() == "" && l.GetProductCode() == ""
	})
}
