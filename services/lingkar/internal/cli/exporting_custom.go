package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// inCustom begins the heading of a custom field's column: import knows it by that.
const inCustom = "custom_fields."

// customFields are those on file for the records of a kind, by their keys; none for who
// may not know of them.
func customFields(ctx context.Context, conn grpc.ClientConnInterface, kind string) ([]*contactv1.CustomField, error) {
	page, err := contactv1.NewCustomFieldServiceClient(conn).ListCustomFields(ctx, &contactv1.ListCustomFieldsRequest{
		Filter: fmt.Sprintf("resource = %q", kind), OrderBy: "key", PageSize: exportPage, // a resource has 200 at most
	})
	if errs.Code(err) == codes.PermissionDenied {
		return nil, nil
	}
	return page.GetCustomFields(), err
}

// heads are the headings of all columns.
func (e *export) heads() []string {
	heads := slices.Clone(exportHeads[e.kind])
	for _, f := range e.fields {
		heads = append(heads, inCustom+f.GetKey())
	}
	return heads
}

// customCells words the custom fields of a record, as import reads them back.
func (e *export) customCells(m proto.Message) []string {
	cells := make([]string, len(e.fields))
	record, ok := m.(interface{ GetCustomFields() *structpb.Struct })
	for i, f := range e.fields {
		if v := record.GetCustomFields().GetFields()[f.GetKey()]; ok && v != nil {
			cells[i] = customCell(v)
		}
	}
	return cells
}

func customCell(v *structpb.Value) string {
	switch v := v.GetKind().(type) {
	case *structpb.Value_StringValue:
		return v.StringValue
	case *structpb.Value_NumberValue:
		return strconv.FormatFloat(v.NumberValue, 'f', -1, 64)
	case *structpb.Value_BoolValue:
		return strconv.FormatBool(v.BoolValue)
	case *structpb.Value_ListValue:
		var cells []string
		for _, one := range v.ListValue.GetValues() {
			cells = append(cells, customCell(one))
		}
		return strings.Join(cells, ";")
	case *structpb.Value_StructValue:
		if amount, ok := moneyCell(v.StructValue.GetFields()); ok {
			return amount
		}
		written, err := protojson.Marshal(v.StructValue)
		if err != nil {
			return ""
		}
		return string(written)
	}
	return ""
}

// moneyCell words an amount of money, which is never negative, such as "IDR 150000.5";
// false for other objects.
func moneyCell(amount map[string]*structpb.Value) (cell string, ok bool) {
	currency, units := amount["currencyCode"].GetStringValue(), amount["units"].GetStringValue()
	if currency == "" {
		return "", false
	}
	if units == "" {
		units = "0"
	}
	nanos := int64(amount["nanos"].GetNumberValue())
	if nanos == 0 {
		return currency + " " + units, true
	}
	return currency + " " + units + "." + strings.TrimRight(fmt.Sprintf("%09d", nanos), "0"), true
}
