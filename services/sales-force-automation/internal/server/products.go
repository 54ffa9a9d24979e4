package server

import (
	"context"

	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

// CreateProduct implements salesv1.ProductServiceServer.
func (s *Server) CreateProduct(ctx context.Context, req *salesv1.CreateProductRequest) (*salesv1.Product, error) {
	return s.Products.Create(ctx, tenantOf(ctx), req.GetProductId(), req.GetProduct())
}

// GetProduct implements salesv1.ProductServiceServer.
func (s *Server) GetProduct(ctx context.Context, req *salesv1.GetProductRequest) (*salesv1.Product, error) {
	return s.Products.Read(ctx, tenantOf(ctx), req.GetName())
}

// ListProducts implements salesv1.ProductServiceServer.
func (s *Server) ListProducts(ctx context.Context, req *salesv1.ListProductsRequest) (*salesv1.ListProductsResponse, error) {
	page, next, err := s.Products.List(ctx, tenantOf(ctx), req)
	return &salesv1.ListProductsResponse{Products: page, NextPageToken: next}, err
}

// UpdateProduct implements salesv1.ProductServiceServer.
func (s *Server) UpdateProduct(ctx context.Context, req *salesv1.UpdateProductRequest) (*salesv1.Product, error) {
	return s.Products.Update(ctx, tenantOf(ctx), req.GetProduct(), req.GetUpdateMask())
}

// DeleteProduct implements salesv1.ProductServiceServer.
func (s *Server) DeleteProduct(ctx context.Context, req *salesv1.DeleteProductRequest) (*salesv1.Product, error) {
	return s.Products.Delete(ctx, tenantOf(ctx), req.GetName(), req.GetEtag())
}

// UndeleteProduct implements salesv1.ProductServiceServer.
func (s *Server) UndeleteProduct(ctx context.Context, req *salesv1.UndeleteProductRequest) (*salesv1.Product, error) {
	return s.Products.Undelete(ctx, tenantOf(ctx), req.GetName(), req.GetEtag())
}
