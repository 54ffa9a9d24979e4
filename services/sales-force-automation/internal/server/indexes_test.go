package server_test

import (
	"context"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/store"
)

// Every declared pair of filter and order is served by an index as role app.
func TestIndexes(t *testing.T) {
	t.Parallel()
	s := start(t)
	rt := s.Services["sales"].Runtime
	kept := store.New(rt.DB, rt.Log, rt.Now)
	for name, table := range map[string]interface {
		CheckIndexes(context.Context, *postgres.DB) error
	}{
		"product": kept.Products.Table, "price list": kept.PriceLists.Table, "price": kept.Prices.Table,
		"pipeline": kept.Pipelines.Table, "lead": kept.Leads.Table, "opportunity": kept.Opportunities.Table,
		"order": kept.Orders.Table,
	} {
		if err := table.CheckIndexes(t.Context(), rt.DB); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
