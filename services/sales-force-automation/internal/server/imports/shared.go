package imports

import (
	"encoding/json"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/lingkar-crm/lingkar/pkg/bulk"
	"github.com/lingkar-crm/lingkar/pkg/customfield"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/product"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/store"
)

// common is what a row says of a record of any kind.
type common struct {
	contact      string
	owner, team  string
	source, note string
	ids          map[string]string
	labels       map[string]string
	custom       *structpb.Struct
	// exact says that the file is Lingkar's own, and that nothing of it needs to be
	// kept as a label or custom field that it does not have.
	exact bool
}

// commonOf reads it. The last values under a label's name are those of columns that
// have no field of their own here.
func commonOf(job *bulk.Job, f *findings, row bulk.Row, key store.ExternalID) (common, error) {
	c := common{
		source: firstOf(row.First(fieldSource), anySystem), note: row.First(fieldNote), team: row.First(fieldTeam),
		ids: map[string]string{key.System: key.ID}, labels: map[string]string{},
	}
	contact, err := f.contact(partyOf(row))
	if err != nil {
		return c, err
	}
	if job.DryRun() {
		contact = entity.NewID() // one that is not here yet stands for itself
	}
	c.contact = store.ContactName(contact)
	if cell := row.First(fieldOwner); cell != "" {
		owner, isUser := ownerOf(cell)
		if isUser {
			c.owner = owner
		} else {
			c.label("owner", owner)
		}
	}
	if !strings.HasPrefix(c.team, "teams/") {
		c.label("team", c.team)
		c.team = ""
	}
	c.label("type", row.First(fieldType))
	for _, cell := range row.Values[fieldLabel] {
		for _, v := range list(cell) {
			c.label(v, "true")
		}
	}
	return c, c.readMaps(row, f.custom)
}

// label keeps a text as a label, shortened to what one may hold.
func (c *common) label(name, value string) {
	if value = strings.TrimSpace(value); value != "" && name != "" && !c.exact {
		c.labels[cut(name, 63)] = cut(value, 255)
	}
}

// readMaps reads the columns that are named after an entry of a map; a custom field that
// is on file by its type.
func (c *common) readMaps(row bulk.Row, rules *customfield.Rules) error {
	details, err := detailsOf(row)
	if err != nil {
		return err
	}
	if details != nil {
		c.exact, c.source = true, row.First(fieldSource)
		c.labels = mergeMaps(details.GetLabels(), c.labels, true)
		c.ids = mergeMaps(c.ids, details.GetExternalIds(), false)
		c.custom = details.GetCustomFields()
	}
	custom := map[string]any{}
	for field, values := range row.Values {
		if name, ok := strings.CutPrefix(field, inLabels); ok {
			c.labels[name] = values[0]
		}
		if name, ok := strings.CutPrefix(field, inExternalIDs); ok {
			c.ids[name] = values[0]
		}
		if name, ok := strings.CutPrefix(field, inCustom); ok {
			v, known, wrong := rules.Parse(name, values[0])
			switch {
			case wrong != nil:
				return errs.InvalidAll(*wrong)
			case !known:
				v = customValue(values[0])
			}
			custom[name] = v
		}
	}
	if len(custom) == 0 {
		return nil
	}
	fields, err := structpb.NewStruct(custom)
	if err != nil {
		return errs.Invalid("custom_fields", "", "is no value that JSON can hold")
	}
	c.custom = mergeCustom(c.custom, fields)
	return nil
}

// customValue reads a list or an object as JSON, and anything else as text.
func customValue(cell string) any {
	var value any
	if strings.HasPrefix(cell, "{") || strings.HasPrefix(cell, "[") {
		if json.Unmarshal([]byte(cell), &value) == nil {
			return value
		}
	}
	return cell
}

// setCustom keeps a value that has no field of its own.
func (c *common) setCustom(name, value string) {
	if value == "" || c.exact {
		return
	}
	if c.custom == nil {
		c.custom = &structpb.Struct{Fields: map[string]*structpb.Value{}}
	}
	c.custom.Fields[name] = structpb.NewStringValue(value)
}

// detailsOf reads what a file of Lingkar says of a record beside its columns: the
// lines, labels, custom fields and ids, which every kind has under the same names;
// nil in other files.
func detailsOf(row bulk.Row) (*salesv1.Order, error) {
	cell := row.First(fieldDetails)
	if cell == "" {
		return nil, nil
	}
	details := &salesv1.Order{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal([]byte(cell), details); err != nil {
		return nil, errs.Invalid(fieldDetails, "DETAILS_INVALID", "want JSON as Lingkar exports it")
	}
	return details, nil
}

// linesOf reads the lines of a record that Lingkar exported.
func linesOf(row bulk.Row, f *findings) ([]*salesv1.LineItem, error) {
	details, err := detailsOf(row)
	for _, l := range details.GetLines() {
		l.Product = "" // of the suite that exported it: the code tells
		if p := f.products[store.ProductKey(l.GetProductCode())]; p != nil {
			l.Product = store.ProductName(p.ID)
		}
	}
	return details.GetLines(), err
}

// line is one that sells a product that the catalogue may not have.
func line(p *product.Product, cell string) *salesv1.LineItem {
	if p == nil {
		return &salesv1.LineItem{ProductCode: cut(cell, 100), Description: cell}
	}
	return &salesv1.LineItem{Product: store.ProductName(p.ID), ProductCode: p.Code, Description: p.DisplayName, Category: p.Category, Unit: p.Unit}
}

// mergeMaps puts labels or ids together; of two values for a key the row's counts
// where replace says so.
func mergeMaps(there, row map[string]string, replace bool) map[string]string {
	if there == nil {
		there = map[string]string{}
	}
	for k, v := range row {
		if _, held := there[k]; !held || replace {
			there[k] = v
		}
	}
	return there
}

func mergeCustom(there, row *structpb.Struct) *structpb.Struct {
	if there == nil {
		return row
	}
	for k, v := range row.GetFields() {
		there.Fields[k] = v
	}
	return there
}
