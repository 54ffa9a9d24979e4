package server

import (
	"context"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/record"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/store"
)

// RecordPurchase implements salesv1.OrderServiceServer.
func (s *Server) RecordPurchase(ctx context.Context, req *salesv1.RecordPurchaseRequest) (*salesv1.Order, error) {
	m := req.GetPurchase()
	if err := s.describePurchases(ctx, []*salesv1.Purchase{m}); err != nil {
		return nil, err
	}
	rules, err := s.Orders.CustomRules(ctx, tenantOf(ctx))
	if err != nil {
		return nil, err
	}
	return introduced(ctx, s, m.GetContact(), func() (*salesv1.Order, error) {
		o, events, err := store.Purchase(m, s.now())
		if err != nil {
			return nil, err
		}
		if err := s.Orders.CheckNew(rules, o); err != nil {
			return nil, asPurchase(err)
		}
		return s.Orders.Add(ctx, tenantOf(ctx), o, events...)
	})
}

// describePurchases sets what the catalogue knows of all lines, read at once.
func (s *Server) describePurchases(ctx context.Context, purchases []*salesv1.Purchase) error {
	var lines []*salesv1.LineItem
	for _, p := range purchases {
		lines = append(lines, p.GetLines()...)
	}
	if len(lines) == 0 {
		return nil
	}
	catalogue, err := s.catalogueOf(ctx, lines)
	if err != nil {
		return err
	}
	return describeKnown(catalogue, lines)
}

// BatchRecordPurchases implements salesv1.OrderServiceServer.
func (s *Server) BatchRecordPurchases(ctx context.Context, req *salesv1.BatchRecordPurchasesRequest) (*salesv1.BatchRecordPurchasesResponse, error) {
	b := newPurchaseBatch(req.GetPurchases())
	if err := s.settleContacts(ctx, b); err != nil {
		return nil, err
	}
	if err := s.settleKnown(ctx, b); err != nil {
		return nil, err
	}
	if err := s.settleLines(ctx, b); err != nil {
		return nil, err
	}
	rules, err := s.Orders.CustomRules(ctx, tenantOf(ctx))
	if err != nil {
		return nil, err
	}
	return record.Write(ctx, s.DB, s.Log, tenantOf(ctx), func(u *record.Unit) (*salesv1.BatchRecordPurchasesResponse, error) {
		for i, m := range b.purchases {
			if b.settled(i) {
				continue
			}
			o, events, err := store.Purchase(m, s.now())
			if err == nil {
				err = asPurchase(s.Orders.CheckNew(rules, o))
			}
			if err != nil {
				b.fail(i, err)
				continue
			}
			o.ID = b.ids[i]
			if err := s.Orders.AddIn(u, o, events...); err != nil {
				return nil, err
			}
		}
		return b.response(), nil
	})
}

// asPurchase names the fields of an order that an error complains of as those of the
// purchase that it is made of.
func asPurchase(err error) error {
	return relocated(err, func(field string) string { return "purchase." + strings.TrimPrefix(field, "order.") })
}
