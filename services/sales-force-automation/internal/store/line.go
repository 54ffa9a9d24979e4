package store

import (
	"google.golang.org/genproto/googleapis/type/decimal"

	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/money"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/line"
)

func lineMessages(currency string, items []line.Item) []*salesv1.LineItem {
	var messages []*salesv1.LineItem
	for _, i := range items {
		messages = append(messages, &salesv1.LineItem{
			Product:     fields.Name(products, i.Product),
			ProductCode: i.Code,
			Description: i.Description,
			Category:    i.Category,
			Unit:        i.Unit,
			Quantity:    &decimal.Decimal{Value: i.Quantity.String()},
			UnitPrice:   money.Of(currency, i.UnitPrice).Proto(),
			Amount:      money.Of(currency, i.Amount).Proto(),
		})
	}
	return messages
}

// lines reads the lines of a deal and the currency that they and the deal's own
// amount share. A line must have its price by now, and what it says of the
// product comes from the catalogue.
func (r *reader) lines(currency string, messages []*salesv1.LineItem) ([]line.Item, string, error) {
	var items []line.Item
	for i, m := range messages {
		field := fields.Index("lines", i)
		unit := r.price(field+".unit_price", m.GetUnitPrice())
		if currency == "" {
			currency = unit.Currency
		}
		if unit.Currency != currency && r.Err() == nil {
			return nil, "", money.ErrCurrencyMismatch
		}
		if m.GetProduct() == "" && m.GetProductCode() == "" {
			r.Fail(field+".product", "", "a line needs a product or its code")
		}
		items = append(items, line.Item{
			Product:     r.Optional(field+".product", products, m.GetProduct()),
			Code:        r.Line(field+".product_code", m.GetProductCode()),
			Description: r.Line(field+".description", m.GetDescription()),
			Category:    m.GetCategory(),
			Unit:        m.GetUnit(),
			Quantity:    r.quantity(field+".quantity", m.GetQuantity()),
			UnitPrice:   unit.Decimal(),
		})
	}
	return items, currency, nil
}
