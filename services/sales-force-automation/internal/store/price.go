package store

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/price"
)

func newPriceLists(db *postgres.DB, log *eventlog.Log) *record.Store[price.List, *salesv1.PriceList] {
	meta := func(l *price.List) *entity.Meta { return &l.Meta }
	return &record.Store[price.List, *salesv1.PriceList]{
		DB: db, Log: log, Kind: "price list", Collection: priceLists,
		Table: postgres.NewTable[price.List](postgres.Def{
			Name: "price_list", Kind: "price list",
			Fields: append(sharedFields(),
				postgres.Field{Path: "code"}, postgres.Field{Path: "display_name"},
				postgres.Field{Path: "currency_code", Column: "currency"},
				postgres.Field{Path: "standard", Type: postgres.Bool},
			),
			Orders:       [][]string{{"create_time"}, {"update_time"}, {"code"}},
			DefaultOrder: "create_time desc",
			Constraints: sharedConstraints(map[string]*errs.Error{
				"price_list_code_taken":     errs.AlreadyExists("PRICE_LIST_CODE_TAKEN", "another price list has this code"),
				"price_list_standard_taken": errs.AlreadyExists("PRICE_LIST_STANDARD_TAKEN", "another price list is the standard one of this currency"),
			}),
		}),
		Meta:  meta,
		Proto: priceListMessage,
		Fill:  fillPriceList,
		Event: priceListEvent,
		Extra: externalIDs("price_list", meta),
	}
}

func priceListMessage(l *price.List) *salesv1.PriceList {
	return &salesv1.PriceList{
		Name:         priceLists + "/" + l.ID.String(),
		Code:         l.Code,
		DisplayName:  l.DisplayName,
		CurrencyCode: l.Currency,
		Standard:     l.Standard,
		Owner:        l.Owner,
		Team:         l.Team,
		Source:       l.Source,
		ExternalIds:  l.ExternalIDs,
		Labels:       l.Labels,
		CustomFields: fields.Struct(l.CustomFields),
		CreateTime:   timestamppb.New(l.CreateTime),
		UpdateTime:   timestamppb.New(l.UpdateTime),
		DeleteTime:   fields.Timestamp(l.DeleteTime),
		Etag:         l.Etag(),
	}
}

func fillPriceList(l *price.List, m *salesv1.PriceList) error {
	r := in("price_list")
	r.shared(&l.Meta, m)
	l.Code = r.Line("code", m.GetCode())
	l.DisplayName = r.Line("display_name", m.GetDisplayName())
	l.Currency = fields.Fixed(&r.Reader, "currency_code", l.Currency, m.GetCurrencyCode())
	l.Standard = m.GetStandard()
	r.Add(l.Check()...)
	return r.Err()
}

func newPrices(db *postgres.DB, log *eventlog.Log, now func() time.Time) *record.Store[price.Price, *salesv1.Price] {
	meta := func(p *price.Price) *entity.Meta { return &p.Meta }
	return &record.Store[price.Price, *salesv1.Price]{
		DB: db, Log: log, Kind: "price", Collection: prices,
		Table: postgres.NewTable[price.Price](postgres.Def{
			Name: "price", Kind: "price",
			Fields: append(sharedFields(),
				postgres.Field{Path: "price_list", Type: postgres.UUID},
				postgres.Field{Path: "product", Type: postgres.UUID},
				postgres.Field{Path: "start_time", Type: postgres.Time},
			),
			Orders: [][]string{
				{"create_time"}, {"update_time"}, {"price_list", "create_time"}, {"product", "create_time"},
				{"price_list", "product", "start_time"},
			},
			DefaultOrder: "create_time desc",
			Constraints: sharedConstraints(map[string]*errs.Error{
				"price_overlaps":      errs.Refused("PRICE_OVERLAPS", "the list has a price of this product for some of that time"),
				"price_list_known":    errs.NotFound("price list", ""),
				"price_product_known": errs.NotFound("product", ""),
			}),
		}),
		Meta:  meta,
		Proto: priceMessage,
		Fill:  func(p *price.Price, m *salesv1.Price) error { return fillPrice(p, m, now()) },
		Event: priceEvent,
		Extra: externalIDs("price", meta),
	}
}

func priceMessage(p *price.Price) *salesv1.Price {
	return &salesv1.Price{
		Name:         prices + "/" + p.ID.String(),
		PriceList:    priceLists + "/" + p.List.String(),
		Product:      products + "/" + p.Product.String(),
		UnitPrice:    p.Money().Proto(),
		StartTime:    timestamppb.New(p.Start),
		EndTime:      fields.Timestamp(p.End),
		Owner:        p.Owner,
		Team:         p.Team,
		Source:       p.Source,
		ExternalIds:  p.ExternalIDs,
		Labels:       p.Labels,
		CustomFields: fields.Struct(p.CustomFields),
		CreateTime:   timestamppb.New(p.CreateTime),
		UpdateTime:   timestamppb.New(p.UpdateTime),
		DeleteTime:   fields.Timestamp(p.DeleteTime),
		Etag:         p.Etag(),
	}
}

func fillPrice(p *price.Price, m *salesv1.Price, now time.Time) error {
	r := in("price")
	r.shared(&p.Meta, m)
	p.List = fields.Fixed(&r.Reader, "price_list", p.List, r.Ref("price_list", priceLists, m.GetPriceList()))
	p.Product = fields.Fixed(&r.Reader, "product", p.Product, r.Ref("product", products, m.GetProduct()))
	unit := r.price("unit_price", m.GetUnitPrice())
	p.Currency, p.UnitPrice = fields.Fixed(&r.Reader, "unit_price.currency_code", p.Currency, unit.Currency), unit.Decimal()
	p.End = r.instant("end_time", m.GetEndTime())
	if start := r.instant("start_time", m.GetStartTime()); start != nil {
		p.Start = *start
	} else if p.Start.IsZero() {
		p.Start = now.UTC().Truncate(time.Microsecond)
	}
	r.Add(p.Check()...)
	return r.Err()
}
