package server

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/price"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/product"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/store"
)

// deal is where lines stand: what decides over prices they do not bring.
type deal struct {
	priceList string
	currency  string
	at        time.Time
}

// complete sets what lines leave open, from the catalogue and the price list:
// the product found by its code, what it is called, and its price.
func (s *Server) complete(ctx context.Context, lines []*salesv1.LineItem, d deal) error {
	if len(lines) == 0 {
		return nil
	}
	catalogue, err := s.catalogueOf(ctx, lines)
	if err != nil {
		return err
	}
	for i, l := range lines {
		p := find(catalogue, l)
		if p == nil {
			return errs.NotFound("product", l.GetProduct()).With("field", productField(i))
		}
		if err := p.Sellable(); err != nil {
			return err
		}
		describe(l, p)
	}
	return s.priceLines(ctx, lines, d)
}

// describeKnown sets what the catalogue knows of the lines of a recorded sale.
// What it does not know stays as it came.
func describeKnown(catalogue *store.Catalogue, lines []*salesv1.LineItem) error {
	for i, l := range lines {
		p := find(catalogue, l)
		switch {
		case p != nil:
			describe(l, p)
		case l.GetProduct() != "":
			return errs.NotFound("product", l.GetProduct()).With("field", productField(i))
		default:
			l.Category, l.Unit = "", ""
			if l.GetDescription() == "" {
				l.Description = l.GetProductCode()
			}
		}
	}
	return nil
}

// catalogueOf reads the products that lines name.
func (s *Server) catalogueOf(ctx context.Context, lines []*salesv1.LineItem) (*store.Catalogue, error) {
	var (
		ids   []uuid.UUID
		codes []string
	)
	for i, l := range lines {
		switch {
		case l.GetProduct() != "":
			id, err := s.Products.ParseName(l.GetProduct())
			if err != nil {
				return nil, errs.Invalid(productField(i), "", "the name must be products/{uuid}")
			}
			ids = append(ids, id)
		case l.GetProductCode() != "":
			codes = append(codes, l.GetProductCode())
		default:
			return nil, errs.Invalid(productField(i), "", "a line needs a product or its code")
		}
	}
	return s.Catalogue(ctx, tenantOf(ctx), ids, codes)
}

func productField(i int) string { return fmt.Sprintf("lines[%d].product", i) }

// find answers the product of a line, or nil. The name decides over the code.
func find(catalogue *store.Catalogue, l *salesv1.LineItem) *product.Product {
	if l.GetProduct() == "" {
		return catalogue.ByCode(l.GetProductCode())
	}
	return catalogue.ByName(l.GetProduct())
}

// describe writes onto a line what its product is called today.
func describe(l *salesv1.LineItem, p *product.Product) {
	l.Product, l.ProductCode = store.ProductName(p.ID), p.Code
	l.Category, l.Unit = p.Category, p.Unit
	if l.GetDescription() == "" {
		l.Description = p.DisplayName
	}
}

// priceLines gives the lines that bring no price the one of the price list.
func (s *Server) priceLines(ctx context.Context, lines []*salesv1.LineItem, d deal) error {
	var open []uuid.UUID
	for _, l := range lines {
		if l.GetUnitPrice() != nil {
			if d.currency == "" {
				d.currency = l.GetUnitPrice().GetCurrencyCode()
			}
			continue
		}
		id, err := s.Products.ParseName(l.GetProduct())
		if err != nil {
			return err
		}
		open = append(open, id)
	}
	if len(open) == 0 {
		return nil
	}
	tenant := tenantOf(ctx)
	list, err := s.priceList(ctx, tenant, d.priceList, d.currency)
	if err != nil {
		return err
	}
	found, err := s.PricesAt(ctx, tenant, list, open, d.at)
	if err != nil {
		return err
	}
	return fillPrices(lines, open, found)
}

// fillPrices writes the prices found onto the lines that have none; open are the
// products of these lines in order.
func fillPrices(lines []*salesv1.LineItem, open []uuid.UUID, found map[uuid.UUID]*price.Price) error {
	for _, l := range lines {
		if l.GetUnitPrice() != nil {
			continue
		}
		p := found[open[0]]
		open = open[1:]
		if p == nil {
			return price.ErrNotFound.With("resource", l.GetProduct())
		}
		l.UnitPrice = p.Money().Proto()
	}
	return nil
}
