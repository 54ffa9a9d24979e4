package server

import (
	"context"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/record"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/order"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/store"
)

// CreateOrder implements salesv1.OrderServiceServer.
func (s *Server) CreateOrder(ctx context.Context, req *salesv1.CreateOrderRequest) (*salesv1.Order, error) {
	m := req.GetOrder()
	m.Owner = ownerOr(ctx, m.GetOwner())
	if err := s.complete(ctx, m.GetLines(), deal{m.GetPriceList(), m.GetCurrencyCode(), s.now()}); err != nil {
		return nil, err
	}
	return introduced(ctx, s, m.GetContact(), func() (*salesv1.Order, error) {
		return s.Orders.Create(ctx, tenantOf(ctx), req.GetOrderId(), m)
	})
}

// GetOrder implements salesv1.OrderServiceServer.
func (s *Server) GetOrder(ctx context.Context, req *salesv1.GetOrderRequest) (*salesv1.Order, error) {
	return s.Orders.Read(ctx, tenantOf(ctx), req.GetName())
}

// ListOrders implements salesv1.OrderServiceServer.
func (s *Server) ListOrders(ctx context.Context, req *salesv1.ListOrdersRequest) (*salesv1.ListOrdersResponse, error) {
	page, next, err := s.Orders.List(ctx, tenantOf(ctx), req)
	return &salesv1.ListOrdersResponse{Orders: page, NextPageToken: next}, err
}

// UpdateOrder implements salesv1.OrderServiceServer.
func (s *Server) UpdateOrder(ctx context.Context, req *salesv1.UpdateOrderRequest) (*salesv1.Order, error) {
	if err := s.reviseOrder(ctx, req); err != nil {
		return nil, record.At("order.name", err)
	}
	return s.Orders.Update(ctx, tenantOf(ctx), req.GetOrder(), req.GetUpdateMask())
}

// reviseOrder completes the lines that an update writes. Those of what is settled
// stay as they came: they must be what they were.
func (s *Server) reviseOrder(ctx context.Context, req *salesv1.UpdateOrderRequest) error {
	m, mask := req.GetOrder(), req.GetUpdateMask()
	if !writes(mask, "lines", len(m.GetLines()) > 0) {
		return nil
	}
	was, err := s.Orders.Get(ctx, tenantOf(ctx), m.GetName())
	if err != nil || was.Status != order.Draft {
		return err
	}
	d := deal{m.GetPriceList(), was.Currency, s.now()}
	if !writes(mask, "price_list", m.GetPriceList() != "") {
		d.priceList = store.PriceListName(was.PriceList)
	}
	return s.complete(ctx, m.GetLines(), d)
}

// DeleteOrder implements salesv1.OrderServiceServer.
func (s *Server) DeleteOrder(ctx context.Context, req *salesv1.DeleteOrderRequest) (*salesv1.Order, error) {
	now := s.now()
	return s.Orders.Change(ctx, tenantOf(ctx), req.GetName(), req.GetEtag(), func(o *order.Order) ([]entity.Event, error) {
		if err := o.Deletable(); err != nil {
			return nil, err
		}
		o.DeleteTime = &now
		return []entity.Event{entity.Deleted{}}, nil
	})
}

// UndeleteOrder implements salesv1.OrderServiceServer.
func (s *Server) UndeleteOrder(ctx context.Context, req *salesv1.UndeleteOrderRequest) (*salesv1.Order, error) {
	return s.Orders.Undelete(ctx, tenantOf(ctx), req.GetName(), req.GetEtag())
}

// ConfirmOrder implements salesv1.OrderServiceServer.
func (s *Server) ConfirmOrder(ctx context.Context, req *salesv1.ConfirmOrderRequest) (*salesv1.Order, error) {
	now := s.now()
	return s.Orders.Change(ctx, tenantOf(ctx), req.GetName(), req.GetEtag(), func(o *order.Order) ([]entity.Event, error) {
		return o.Confirm(now)
	})
}

// CancelOrder implements salesv1.OrderServiceServer.
func (s *Server) CancelOrder(ctx context.Context, req *salesv1.CancelOrderRequest) (*salesv1.Order, error) {
	now := s.now()
	return s.Orders.Change(ctx, tenantOf(ctx), req.GetName(), req.GetEtag(), func(o *order.Order) ([]entity.Event, error) {
		return o.Cancel(req.GetReason(), now)
	})
}
