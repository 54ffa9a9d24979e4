package server

import (
	"github.com/lingkar-crm/lingkar/pkg/portal"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

// Window is what of the area is open to a contact itself, through a portal (PLT-01): what
// it ordered and for how much, but not what the staff notes and how it came about.
var Window = portal.NewWindow(
	portal.Shows(&salesv1.Order{}, "name", "contact", "status", "kind", "lines", "currency_code", "total", "order_time", "cancel_time",
		"create_time", "update_time", "etag"),
	portal.Shows(&salesv1.LineItem{}, "product_code", "description", "unit", "quantity", "unit_price", "amount"),
	portal.Shows(&salesv1.ListOrdersResponse{}, "orders", "next_page_token"),
	portal.Takes(&salesv1.GetOrderRequest{}, "name", "read_mask"),
	portal.Takes(&salesv1.ListOrdersRequest{}, "page_size", "page_token", "filter", "order_by", "read_mask"),
)
