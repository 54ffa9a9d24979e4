// Package store keeps products, prices, pipelines, leads, opportunities and
// orders in PostgreSQL, and says how each becomes a message and an event.
//
// Every resource is one row with its lines or stages inside, so that a change is
// one row, its events and the audit entry. What must hold between rows is a
// constraint first: codes, external ids, one default pipeline, prices that do not
// overlap, stages that deals stand in, one order per won deal, contacts that
// exist. Each has its own error where the table is defined.
package store

import (
	"embed"
	"io/fs"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/customfield"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/lead"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/opportunity"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/order"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/pipeline"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/price"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/product"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations make the tables of this service.
func Migrations() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the directory is embedded above
	}
	return sub
}

// The collections of resource names.
const (
	contacts      = "contacts"
	products      = "products"
	priceLists    = "priceLists"
	prices        = "prices"
	pipelines     = "pipelines"
	leads         = "leads"
	opportunities = "opportunities"
	orders        = "orders"
)

// CustomTables are the tables of the resources to which fields can be added. The fields
// are area contact's (package customfield).
var CustomTables = map[string]string{leads: "lead", opportunities: "opportunity", orders: "sales_order", products: "product"}

// Store is the database of the service.
type Store struct {
	DB  *postgres.DB
	Log *eventlog.Log
	// Schemas are the custom fields of tenants.
	Schemas *customfield.Schemas

	Products      *record.Store[product.Product, *salesv1.Product]
	PriceLists    *record.Store[price.List, *salesv1.PriceList]
	Prices        *record.Store[price.Price, *salesv1.Price]
	Pipelines     *record.Store[pipeline.Pipeline, *salesv1.Pipeline]
	Leads         *record.Store[lead.Lead, *salesv1.Lead]
	Opportunities *record.Store[opportunity.Opportunity, *salesv1.Opportunity]
	Orders        *record.Store[order.Order, *salesv1.Order]
}

// New answers the store of a database. Now is the clock.
func New(db *postgres.DB, log *eventlog.Log, now func() time.Time) *Store {
	s := &Store{
		DB: db, Log: log, Schemas: customfield.NewSchemas(db),
		Products:      newProducts(db, log),
		PriceLists:    newPriceLists(db, log),
		Prices:        newPrices(db, log, now),
		Pipelines:     newPipelines(db, log),
		Leads:         newLeads(db, log, now),
		Opportunities: newOpportunities(db, log, now),
		Orders:        newOrders(db, log),
	}
	s.Products.Custom, s.Leads.Custom = s.Schemas.Rules(products), s.Schemas.Rules(leads)
	s.Opportunities.Custom, s.Orders.Custom = s.Schemas.Rules(opportunities), s.Schemas.Rules(orders)
	return s
}
