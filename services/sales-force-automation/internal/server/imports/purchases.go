package imports

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/type/decimal"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/bulk"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/pkg/record"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/order"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/store"
)

// What a row of a sale cannot be.
var (
	errReturn   = errs.Invalid(fieldQuantity, "QUANTITY_INVALID", "a return is no purchase: the quantity must be greater than 0")
	errRecorded = errs.Invalid(fieldID, "ORDER_RECORDED", "the order is recorded already, without this line: the lines of an order must follow each other")
	errUnbought = errs.Invalid(fieldStatus, "ORDER_NOT_CONFIRMED", "the order is a draft or cancelled: that is no purchase")
	errNoTime   = errs.Invalid(fieldOrderTime, "TIME_MISSING", "the row does not say when it was bought")
)

// purchases are lists of orders. Rows that follow each other and have one order
// number are the lines of one order: the first counts as created, the others as
// updated. Without order numbers each row is an order, and equal rows are one.
func (i *Importer) purchases() bulk.Kind {
	return bulk.Kind{
		Name: "purchases", Named: i.named("purchases"), Fields: purchaseFields, Known: known, System: systemOf,
		Writes:   []string{"lingkar.dev/Order", "lingkar.dev/Contact"},
		Together: func(a, b bulk.Row) bool { return a.First(fieldID) != "" && a.First(fieldID) == b.First(fieldID) },
		Prepare:  i.prepare, Step: i.purchaseStep, Undo: i.Store.TakeBackOrders(),
	}
}

// sale is the rows of one order.
type sale struct {
	key     store.ExternalID
	rows    []int
	message *salesv1.Purchase
	note    string
	// paid is the sum of the amounts, where the rows say what was paid.
	paid money.Money
}

func (i *Importer) purchaseStep(_ context.Context, u *record.Unit, job *bulk.Job, rows []bulk.Row) ([]bulk.Outcome, error) {
	f := findingsOf(job)
	sales, outcomes := salesOf(job, f, rows)
	keys := make([]store.ExternalID, len(sales))
	for n, s := range sales {
		keys[n] = s.key
	}
	held, err := i.Store.Held(u, job.Tenant, i.Store.Orders.Kind, keys)
	if err != nil {
		return nil, err
	}
	selves := selvesOf(keys, held)
	there, err := i.Store.Orders.LockAllIn(u, slices.AppendSeq(slices.Collect(maps.Values(held)), maps.Values(selves)))
	if err != nil {
		return nil, err
	}
	for key, id := range selves {
		if there[id] != nil {
			held[key] = id
		}
	}
	tried, err := triedBefore(u, job, keys)
	if err != nil {
		return nil, err
	}
	for _, s := range sales {
		more, err := i.record(u, job, held, there, tried, s)
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, more...)
	}
	return outcomes, nil
}

// salesOf puts the rows of each order together, and answers what becomes of those
// that cannot be read.
func salesOf(job *bulk.Job, f *findings, rows []bulk.Row) (sales []*sale, outcomes []bulk.Outcome) {
	byKey := map[store.ExternalID]*sale{}
	for _, row := range rows {
		party := partyOf(row)
		key := identity(job, row, "order", party.key(), row.First(fieldOrderTime), row.First(fieldAmount), store.ProductKey(row.First(fieldProduct)),
			row.First(fieldQuantity), row.First(fieldUnitPrice))
		known := byKey[key]
		if known != nil && row.First(fieldID) == "" {
			known.rows = append(known.rows, row.Line) // the same row again
			continue
		}
		s := known
		if s == nil {
			s = &sale{key: key}
		}
		if err := s.add(job, f, row); err != nil {
			outcomes = append(outcomes, refusal(row.Line, err))
			continue
		}
		if known == nil {
			byKey[key] = s
			sales = append(sales, s)
		}
	}
	return sales, outcomes
}

// add puts one more row into the sale; one that is refused leaves it as it was.
func (s *sale) add(job *bulk.Job, f *findings, row bulk.Row) error {
	if status := strings.ToLower(row.First(fieldStatus)); status == "draft" || status == "cancelled" || status == "canceled" {
		return errUnbought
	}
	currency := currencyOf(row, job)
	paid, err := amountOf(row, fieldAmount, currency)
	if err != nil {
		return err
	}
	lines, err := linesOf(row, f)
	if err == nil && len(lines) == 0 {
		lines, err = soldLine(f, row, currency)
	}
	if err != nil {
		return err
	}
	if s.message == nil {
		if s.message, err = purchaseOf(job, f, row, s.key); err != nil {
			s.message = nil
			return err
		}
		s.note = row.First(fieldNote)
	}
	if paid != nil {
		sum := money.FromProto(paid)
		if !s.paid.IsZero() {
			if sum, err = s.paid.Add(sum); err != nil {
				return err
			}
		}
		s.paid, s.message.Amount = sum, sum.Proto()
	}
	s.message.Lines = append(s.message.Lines, lines...)
	s.rows = append(s.rows, row.Line)
	return nil
}

// purchaseOf reads what a sale is beside its lines.
func purchaseOf(job *bulk.Job, f *findings, row bulk.Row, key store.ExternalID) (*salesv1.Purchase, error) {
	c, err := commonOf(job, f, row, key)
	if err != nil {
		return nil, err
	}
	at, err := timeOf(row, fieldOrderTime)
	if err != nil {
		return nil, err
	}
	if at.IsZero() {
		return nil, errNoTime
	}
	return &salesv1.Purchase{
		Contact: c.contact, ExternalIds: c.ids, PurchaseTime: timestamppb.New(at),
		Channel: channelOf(row),
		Source:  c.source, Owner: c.owner, Team: c.team, Labels: c.labels, CustomFields: c.custom,
	}, nil
}

// soldLine reads the line that a row is; none where it names no product. Without a
// price of one piece the line is the whole amount once, and its text says how many.
func soldLine(f *findings, row bulk.Row, currency string) ([]*salesv1.LineItem, error) {
	quantity := plain(firstOf(row.First(fieldQuantity), "1"))
	count, err := money.ParseDecimal(quantity)
	if err != nil || count.Sign() <= 0 {
		return nil, errReturn
	}
	cell := firstOf(row.First(fieldProduct), row.First(fieldDescription))
	if cell == "" {
		return nil, nil
	}
	l := line(f.products[store.ProductKey(cell)], cell)
	l.Description = firstOf(row.First(fieldDescription), l.GetDescription())
	l.Quantity = &decimal.Decimal{Value: quantity}
	if l.UnitPrice, err = amountOf(row, fieldUnitPrice, currency); err != nil {
		return nil, err
	}
	if l.GetUnitPrice() == nil {
		if l.UnitPrice, err = amountOf(row, fieldAmount, currency); err != nil {
			return nil, err
		}
		if row.First(fieldQuantity) != "" && quantity != "1" {
			l.Description = quantity + " × " + l.GetDescription()
		}
		l.Quantity = &decimal.Decimal{Value: "1"}
	}
	return []*salesv1.LineItem{l}, nil
}

// record records a sale, or finds its rows in the one that is recorded.
func (i *Importer) record(u *record.Unit, job *bulk.Job, held map[store.ExternalID]uuid.UUID, there map[uuid.UUID]*order.Order, tried map[string]bool, s *sale) ([]bulk.Outcome, error) {
	if err := checked(s.message); err != nil {
		return s.refused(err), nil
	}
	o, events, err := store.Purchase(s.message, i.Now())
	if err == nil {
		err = i.Store.Orders.CheckNew(findingsOf(job).custom, o)
	}
	if err != nil {
		return s.refused(err), nil
	}
	o.Note = s.note
	if id, known := held[s.key]; known {
		if there[id] == nil {
			return s.refused(errTaken), nil
		}
		return s.met(store.OrderName(id), there[id].Has(o.Lines)), nil
	}
	if tried[s.key.ID] {
		return s.outcomes(updated, ""), nil
	}
	if job.DryRun() {
		job.Remember(s.key.ID)
		return s.outcomes(created, ""), nil
	}
	if err := i.Store.Orders.AddIn(u, o, events...); err != nil {
		if refused, err := orRefused(bulk.Outcome{}, err); err != nil || refused.Reason == "" {
			return nil, err
		}
		return s.refused(err), nil
	}
	return s.outcomes(created, store.OrderName(o.ID)), nil
}

// refused fails all rows of the sale.
func (s *sale) refused(err error) []bulk.Outcome {
	var outcomes []bulk.Outcome
	for _, line := range s.rows {
		outcomes = append(outcomes, refusal(line, err))
	}
	return outcomes
}

// met tells each row whether the recorded order has its line.
func (s *sale) met(name string, has []bool) []bulk.Outcome {
	outcomes := s.outcomes(updated, name)
	for n := range outcomes {
		if len(has) == len(outcomes) && !has[n] {
			outcomes[n] = refusal(outcomes[n].Line, errRecorded)
		}
	}
	return outcomes
}

// outcomes tell what became of the rows: of the first as given, the others joined
// it.
func (s *sale) outcomes(first bulkOutcome, name string) []bulk.Outcome {
	var outcomes []bulk.Outcome
	for n, line := range s.rows {
		o := bulk.Outcome{Line: line, What: updated, Resource: name}
		if n == 0 {
			o.What = first
		}
		outcomes = append(outcomes, o)
	}
	return outcomes
}
