package store

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/product"
)

func newProducts(db *postgres.DB, log *eventlog.Log) *record.Store[product.Product, *salesv1.Product] {
	return &record.Store[product.Product, *salesv1.Product]{
		DB: db, Log: log, Kind: "product", Collection: products,
		Table: postgres.NewTable[product.Product](postgres.Def{
			Name: "product", Kind: "product",
			Fields: append(sharedFields(),
				postgres.Field{Path: "code"}, postgres.Field{Path: "display_name"},
				postgres.Field{Path: "category"}, postgres.Field{Path: "series"},
				postgres.Field{Path: "active", Type: postgres.Bool},
			),
			Orders:       [][]string{{"create_time"}, {"update_time"}, {"code"}, {"category", "code"}, {"series", "code"}},
			DefaultOrder: "create_time desc",
			Constraints: sharedConstraints(map[string]*errs.Error{
				"product_code_taken": errs.AlreadyExists("PRODUCT_CODE_TAKEN", "another product has this code"),
			}),
		}),
		Meta:  func(p *product.Product) *entity.Meta { return &p.Meta },
		Proto: productMessage,
		Fill:  fillProduct,
		Event: productEvent,
		Extra: externalIDs[product.Product]("product", func(p *product.Product) *entity.Meta { return &p.Meta }),
	}
}

func productMessage(p *product.Product) *salesv1.Product {
	return &salesv1.Product{
		Name:         products + "/" + p.ID.String(),
		Code:         p.Code,
		DisplayName:  p.DisplayName,
		Description:  p.Description,
		Category:     p.Category,
		Series:       p.Series,
		Unit:         p.Unit,
		Active:       proto.Bool(p.Active),
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

func fillProduct(p *product.Product, m *salesv1.Product) error {
	r := in("product")
	r.shared(&p.Meta, m)
	p.Code = r.Line("code", m.GetCode())
	p.DisplayName = r.Line("display_name", m.GetDisplayName())
	p.Description = r.Words(m.GetDescription())
	p.Category = r.Line("category", m.GetCategory())
	p.Series = r.Line("series", m.GetSeries())
	p.Unit = r.Line("unit", m.GetUnit())
	p.Active = m.Active == nil || m.GetActive()
	r.Add(p.Check()...)
	return r.Err()
}
