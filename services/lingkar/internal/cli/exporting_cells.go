package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	moneypb "google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/money"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

// exportHeads are the columns of each kind: fields that import knows by these names.
// "lingkar_id" tells it whose file it is.
var exportHeads = map[string][]string{
	"contacts": {
		"lingkar_id", "customer_id", "display_name", "given_name", "family_name", "organisation_name", "job_title", "email", "phone",
		"street", "city", "region", "postal_code", "country", "birthday", "language_code", "note", "details",
	},
	"leads": {
		"lingkar_id", "contact_id", "display_name", "status", "channel", "product", "amount", "currency_code", "open_time", "close_time", "reason",
		"owner", "team", "source", "note", "details",
	},
	"opportunities": {
		"lingkar_id", "contact_id", "display_name", "stage", "probability", "amount", "currency_code", "open_time", "close_date", "close_time", "reason",
		"description", "owner", "team", "source", "note", "details",
	},
	"orders": {
		"lingkar_id", "contact_id", "status", "order_time", "amount", "currency_code", "channel", "owner", "team", "source", "note", "details",
	},
}

// cells words a record by its columns.
func (e *export) cells(ctx context.Context, m proto.Message) (map[string]string, error) {
	switch m := m.(type) {
	case *contactv1.Contact:
		return contactCells(m)
	case *salesv1.Lead:
		return e.leadCells(ctx, m)
	case *salesv1.Opportunity:
		return opportunityCells(m)
	case *salesv1.Order:
		return orderCells(m)
	}
	return nil, fmt.Errorf("no columns for %T", m)
}

func contactCells(c *contactv1.Contact) (map[string]string, error) {
	var emails, phones []string
	for _, id := range c.GetIdentifiers() {
		switch id.GetKind() {
		case contactv1.IdentifierKind_IDENTIFIER_KIND_EMAIL:
			emails = append(emails, id.GetValue())
		case contactv1.IdentifierKind_IDENTIFIER_KIND_PHONE:
			phones = append(phones, id.GetValue())
		}
	}
	cells := map[string]string{
		"lingkar_id": idOf(c.GetName()), "customer_id": c.GetCustomerId(), "display_name": c.GetDisplayName(),
		"given_name": c.GetGivenName(), "family_name": c.GetFamilyName(), "organisation_name": c.GetOrganisationName(), "job_title": c.GetJobTitle(),
		"email": strings.Join(emails, "; "), "phone": strings.Join(phones, "; "),
		"birthday": birthday(c.GetBirthday()), "language_code": c.GetLanguageCode(), "note": c.GetNote(),
	}
	if len(c.GetAddresses()) > 0 {
		a := c.GetAddresses()[0]
		cells["street"], cells["city"], cells["region"] = strings.Join(a.GetLines(), "\n"), a.GetLocality(), a.GetAdministrativeArea()
		cells["postal_code"], cells["country"] = a.GetPostalCode(), a.GetRegionCode()+a.GetCountry()
	}
	return withDetails(cells, &contactv1.Contact{
		Kind: c.GetKind(), Identifiers: c.GetIdentifiers(), Addresses: c.GetAddresses(), Roles: c.GetRoles(), Preference: c.GetPreference(),
		NoThirdPartySharing: c.GetNoThirdPartySharing(), RegionCode: c.GetRegionCode(), Owner: c.GetOwner(), Team: c.GetTeam(), Source: c.GetSource(),
		ExternalIds: c.GetExternalIds(), Labels: c.GetLabels(), CustomFields: c.GetCustomFields(),
	})
}

func (e *export) leadCells(ctx context.Context, l *salesv1.Lead) (map[string]string, error) {
	products, err := e.productCodes(ctx, l.GetProducts())
	if err != nil {
		return nil, err
	}
	cells := shared(l)
	cells["display_name"], cells["status"], cells["channel"] = l.GetDisplayName(), word(l.GetStatus(), "LEAD_STATUS_"), word(l.GetChannel(), "CHANNEL_")
	cells["product"], cells["reason"] = products, l.GetDisqualifyReason()
	cells["open_time"], cells["close_time"] = instant(l.GetCaptureTime()), instant(l.GetCloseTime())
	setAmount(cells, l.GetEstimatedValue())
	return withDetails(cells, &salesv1.Lead{ExternalIds: l.GetExternalIds(), Labels: l.GetLabels(), CustomFields: l.GetCustomFields()})
}

// productCodes answers the codes of products, asked for once each.
func (e *export) productCodes(ctx context.Context, names []string) (string, error) {
	var codes []string
	for _, name := range names {
		if _, known := e.codes[name]; !known {
			p, err := salesv1.NewProductServiceClient(e.conn).GetProduct(ctx, &salesv1.GetProductRequest{Name: name})
			if err != nil {
				return "", err
			}
			e.codes[name] = p.GetCode()
		}
		codes = append(codes, e.codes[name])
	}
	return strings.Join(codes, ";"), nil
}

func opportunityCells(o *salesv1.Opportunity) (map[string]string, error) {
	cells := shared(o)
	cells["display_name"], cells["stage"], cells["reason"] = o.GetDisplayName(), o.GetStage(), o.GetCloseReason()
	if o.GetStatus() != salesv1.OpportunityStatus_OPPORTUNITY_STATUS_OPEN {
		cells["stage"] = word(o.GetStatus(), "OPPORTUNITY_STATUS_")
	}
	cells["probability"], cells["description"] = fmt.Sprint(o.GetProbability()), o.GetDescription()
	cells["open_time"], cells["close_time"] = instant(o.GetOpenTime()), instant(o.GetCloseTime())
	if d := o.GetCloseDate(); d != nil {
		cells["close_date"] = fmt.Sprintf("%04d-%02d-%02d", d.GetYear(), d.GetMonth(), d.GetDay())
	}
	setAmount(cells, o.GetAmount())
	return withDetails(cells, &salesv1.Opportunity{
		Lines: o.GetLines(), ExternalIds: o.GetExternalIds(), Labels: o.GetLabels(), CustomFields: o.GetCustomFields(),
	})
}

func orderCells(o *salesv1.Order) (map[string]string, error) {
	cells := shared(o)
	cells["status"], cells["channel"] = word(o.GetStatus(), "ORDER_STATUS_"), word(o.GetChannel(), "CHANNEL_")
	cells["order_time"] = instant(o.GetOrderTime())
	setAmount(cells, o.GetTotal())
	return withDetails(cells, &salesv1.Order{
		Lines: o.GetLines(), ExternalIds: o.GetExternalIds(), Labels: o.GetLabels(), CustomFields: o.GetCustomFields(),
	})
}

// shared words what every record of a contact has.
func shared(m interface {
	GetName() string
	GetContact() string
	GetOwner() string
	GetTeam() string
	GetSource() string
	GetNote() string
}) map[string]string {
	return map[string]string{
		"lingkar_id": idOf(m.GetName()), "contact_id": idOf(m.GetContact()),
		"owner": m.GetOwner(), "team": m.GetTeam(), "source": m.GetSource(), "note": m.GetNote(),
	}
}

// withDetails adds what no cell of its own can hold.
func withDetails(cells map[string]string, details proto.Message) (map[string]string, error) {
	raw, err := protojson.Marshal(details)
	cells["details"] = string(raw)
	return cells, err
}

func setAmount(cells map[string]string, m *moneypb.Money) {
	if m != nil {
		cells["amount"], cells["currency_code"] = money.FromProto(m).Decimal().String(), m.GetCurrencyCode()
	}
}

// idOf answers the id in a resource name.
func idOf(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

func instant(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return t.AsTime().Format(time.RFC3339Nano)
}

// birthday writes a day whose year may be unknown, as vCard does.
func birthday(d *date.Date) string {
	switch {
	case d == nil:
		return ""
	case d.GetYear() == 0:
		return fmt.Sprintf("--%02d-%02d", d.GetMonth(), d.GetDay())
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.GetYear(), d.GetMonth(), d.GetDay())
}
