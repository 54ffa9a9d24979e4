package server

import (
	"context"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/price"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/store"
)

// CreatePriceList implements salesv1.PriceListServiceServer.
func (s *Server) CreatePriceList(ctx context.Context, req *salesv1.CreatePriceListRequest) (*salesv1.PriceList, error) {
	return s.PriceLists.Create(ctx, tenantOf(ctx), req.GetPriceListId(), req.GetPriceList())
}

// GetPriceList implements salesv1.PriceListServiceServer.
func (s *Server) GetPriceList(ctx context.Context, req *salesv1.GetPriceListRequest) (*salesv1.PriceList, error) {
	return s.PriceLists.Read(ctx, tenantOf(ctx), req.GetName())
}

// ListPriceLists implements salesv1.PriceListServiceServer.
func (s *Server) ListPriceLists(ctx context.Context, req *salesv1.ListPriceListsRequest) (*salesv1.ListPriceListsResponse, error) {
	page, next, err := s.PriceLists.List(ctx, tenantOf(ctx), req)
	return &salesv1.ListPriceListsResponse{PriceLists: page, NextPageToken: next}, err
}

// UpdatePriceList implements salesv1.PriceListServiceServer.
func (s *Server) UpdatePriceList(ctx context.Context, req *salesv1.UpdatePriceListRequest) (*salesv1.PriceList, error) {
	return s.PriceLists.Update(ctx, tenantOf(ctx), req.GetPriceList(), req.GetUpdateMask())
}

// DeletePriceList implements salesv1.PriceListServiceServer.
func (s *Server) DeletePriceList(ctx context.Context, req *salesv1.DeletePriceListRequest) (*salesv1.PriceList, error) {
	return s.PriceLists.Delete(ctx, tenantOf(ctx), req.GetName(), req.GetEtag())
}

// UndeletePriceList implements salesv1.PriceListServiceServer.
func (s *Server) UndeletePriceList(ctx context.Context, req *salesv1.UndeletePriceListRequest) (*salesv1.PriceList, error) {
	return s.PriceLists.Undelete(ctx, tenantOf(ctx), req.GetName(), req.GetEtag())
}

// CreatePrice implements salesv1.PriceListServiceServer.
func (s *Server) CreatePrice(ctx context.Context, req *salesv1.CreatePriceRequest) (*salesv1.Price, error) {
	if err := s.inCurrencyOfList(ctx, req.GetPrice()); err != nil {
		return nil, err
	}
	return s.Prices.Create(ctx, tenantOf(ctx), req.GetPriceId(), req.GetPrice())
}

// inCurrencyOfList says whether a price is in the currency of its list. The
// currency of a list never changes, so this can be asked before.
func (s *Server) inCurrencyOfList(ctx context.Context, p *salesv1.Price) error {
	list, err := s.PriceLists.Get(everywhere(ctx), tenantOf(ctx), p.GetPriceList())
	switch {
	case err != nil:
		return err
	case list.Deleted():
		return errs.NotFound("price list", p.GetPriceList())
	}
	return list.Accepts(p.GetUnitPrice().GetCurrencyCode())
}

// GetPrice implements salesv1.PriceListServiceServer.
func (s *Server) GetPrice(ctx context.Context, req *salesv1.GetPriceRequest) (*salesv1.Price, error) {
	return s.Prices.Read(ctx, tenantOf(ctx), req.GetName())
}

// ListPrices implements salesv1.PriceListServiceServer.
func (s *Server) ListPrices(ctx context.Context, req *salesv1.ListPricesRequest) (*salesv1.ListPricesResponse, error) {
	page, next, err := s.Prices.List(ctx, tenantOf(ctx), req)
	return &salesv1.ListPricesResponse{Prices: page, NextPageToken: next}, err
}

// UpdatePrice implements salesv1.PriceListServiceServer.
func (s *Server) UpdatePrice(ctx context.Context, req *salesv1.UpdatePriceRequest) (*salesv1.Price, error) {
	return s.Prices.Update(ctx, tenantOf(ctx), req.GetPrice(), req.GetUpdateMask())
}

// DeletePrice implements salesv1.PriceListServiceServer.
func (s *Server) DeletePrice(ctx context.Context, req *salesv1.DeletePriceRequest) (*salesv1.Price, error) {
	return s.Prices.Delete(ctx, tenantOf(ctx), req.GetName(), req.GetEtag())
}

// UndeletePrice implements salesv1.PriceListServiceServer.
func (s *Server) UndeletePrice(ctx context.Context, req *salesv1.UndeletePriceRequest) (*salesv1.Price, error) {
	return s.Prices.Undelete(ctx, tenantOf(ctx), req.GetName(), req.GetEtag())
}

// LookupPrice implements salesv1.PriceListServiceServer.
func (s *Server) LookupPrice(ctx context.Context, req *salesv1.LookupPriceRequest) (*salesv1.Price, error) {
	tenant := tenantOf(ctx)
	id, err := s.Products.ParseName(req.GetProduct())
	if err != nil {
		return nil, err
	}
	list, err := s.priceList(ctx, tenant, req.GetPriceList(), req.GetCurrencyCode())
	if err != nil {
		return nil, err
	}
	at, err := store.Instant("time", req.GetTime())
	if err != nil {
		return nil, err
	}
	if at.IsZero() {
		at = s.now()
	}
	found, err := s.PricesAt(ctx, tenant, list, []uuid.UUID{id}, at)
	switch {
	case err != nil:
		return nil, err
	case found[id] == nil:
		return nil, price.ErrNotFound.With("resource", req.GetProduct())
	}
	return s.Prices.Read(ctx, tenant, store.PriceName(found[id].ID))
}

// priceList answers the list named, or the standard one of the currency.
func (s *Server) priceList(ctx context.Context, tenant uuid.UUID, name, currency string) (uuid.UUID, error) {
	if name != "" {
		return s.PriceLists.ParseName(name)
	}
	if currency == "" {
		return uuid.Nil, errs.Invalid("currency_code", "", "a currency or a price list is needed to find a price")
	}
	return s.ListOf(ctx, tenant, currency)
}
