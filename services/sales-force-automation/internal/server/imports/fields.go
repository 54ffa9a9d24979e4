package imports

import (
	"cmp"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/sheet"
)

// The fields that a column can mean. Those of the record itself are called as in
// its message.
const (
	fieldID          = "external_id"
	fieldContactID   = "contact_id"
	fieldAccountID   = "account_id"
	fieldCustomerID  = "customer_id"
	fieldEmail       = "email"
	fieldPhone       = "phone"
	fieldContactName = "contact_name"
	fieldGivenName   = "given_name"
	fieldFamilyName  = "family_name"
	fieldAccountName = "account_name"
	fieldCountry     = "country"

	fieldName        = "display_name"
	fieldStatus      = "status"
	fieldStage       = "stage"
	fieldPipeline    = "pipeline"
	fieldAmount      = "amount"
	fieldCurrency    = "currency_code"
	fieldProbability = "probability"
	fieldProduct     = "product"
	fieldDescription = "description"
	fieldQuantity    = "quantity"
	fieldUnitPrice   = "unit_price"
	fieldDetails     = "details"
	fieldOpenTime    = "open_time"
	fieldCloseTime   = "close_time"
	fieldCloseDate   = "close_date"
	fieldReason      = "reason"
	fieldChannel     = "channel"
	fieldOwner       = "owner"
	fieldTeam        = "team"
	fieldSource      = "source"
	fieldNote        = "note"
	fieldLabel       = "label"
	fieldType        = "type"
	fieldDeleted     = "is_deleted"
	fieldOrderTime   = "order_time"
)

// partyFields say whose a record is. A customer's number names it; ids of a
// contact or an account only point at one.
var partyFields = []sheet.Field{
	{Name: fieldContactID, Headers: []string{"contact id", "associated contact ids", "associated contact id", "contactid"}},
	{Name: fieldAccountID, Headers: []string{"account id", "accountid", "associated company ids", "associated company id", "company id"}},
	{Name: fieldCustomerID, Headers: []string{"customer id", "customerid", "customer number", "customer no", "kode pelanggan"}},
	{Name: fieldEmail, Headers: []string{"email", "e mail", "email address", "e mail address", "customer email", "surel"}},
	{Name: fieldPhone, Headers: []string{"phone", "phone number", "mobile", "customer phone", "telephone", "telepon", "no hp"}},
	{Name: fieldContactName, Headers: []string{"contact name", "customer name", "customer", "full name", "contact", "nama pelanggan"}},
	{Name: fieldGivenName, Headers: []string{"given name", "first name", "firstname", "nama depan"}},
	{Name: fieldFamilyName, Headers: []string{"family name", "last name", "lastname", "surname", "nama belakang"}},
	{Name: fieldAccountName, Headers: []string{"account name", "account", "company name", "company", "organization", "organisation", "perusahaan"}},
	{Name: fieldCountry, Headers: []string{"country", "negara"}},
}

// recordFields are those of every kind.
var recordFields = []sheet.Field{
	{Name: fieldOwner, Headers: []string{"deal owner", "lead owner", "opportunity owner", "assigned to email", "sales agent", "salesperson", "owner", "ownerid", "owner id"}},
	{Name: fieldTeam, Headers: []string{"sales team", "team"}},
	{Name: fieldSource, Headers: []string{"lead source", "leadsource", "original source", "source"}},
	{Name: fieldNote, Headers: []string{"notes", "note", "catatan"}},
	{Name: fieldLabel, Repeated: true, Headers: []string{"tags", "labels"}},
	{Name: fieldType, Headers: []string{"type"}},
	{Name: fieldCurrency, Headers: []string{"currency", "currency code", "deal currency", "mata uang"}},
	{Name: fieldDeleted, Headers: []string{"isdeleted", "is deleted"}},
}

var leadFields = fieldsOf([]sheet.Field{
	{Name: fieldID, Headers: []string{"lingkar id", "external id", "lead id", "record id", "id"}},
	{Name: fieldContactName, Headers: []string{"contact name", "customer name", "full name", "name", "nama"}},
	{Name: fieldName, Headers: []string{"opportunity", "lead name", "lead", "title", "subject"}},
	{Name: fieldStatus, Headers: []string{"lead status", "status", "stage"}},
	{Name: fieldAmount, Headers: []string{"expected revenue", "estimated value", "amount", "budget", "nilai"}},
	{Name: fieldProbability, Headers: []string{"probability"}},
	{Name: fieldProduct, Headers: []string{"product interest", "product", "produk"}},
	{Name: fieldCloseDate, Headers: []string{"expected closing", "follow up by"}},
	{Name: fieldOpenTime, Headers: []string{"create date", "created date", "createddate", "created on", "capture time"}},
})

var opportunityFields = fieldsOf([]sheet.Field{
	{Name: fieldID, Headers: []string{"lingkar id", "opportunity id", "deal id", "record id", "external id", "id"}},
	{Name: fieldName, Headers: []string{"deal name", "opportunity name", "opportunity", "name"}},
	{Name: fieldStage, Headers: []string{"deal stage", "stage name", "stagename", "stage"}},
	{Name: fieldPipeline, Headers: []string{"pipeline"}},
	{Name: fieldAmount, Headers: []string{"close value", "amount", "expected revenue", "deal value", "value"}},
	{Name: fieldProbability, Headers: []string{"deal probability", "probability"}},
	{Name: fieldProduct, Headers: []string{"product", "product name", "produk"}},
	{Name: fieldOpenTime, Headers: []string{"engage date", "create date", "createddate", "created date", "open date", "created on"}},
	{Name: fieldCloseDate, Headers: []string{"close date", "closedate", "expected closing"}},
	{Name: fieldReason, Headers: []string{"closed lost reason", "loss reason", "close reason"}},
	{Name: fieldDescription, Headers: []string{"description", "deal description"}},
})

var purchaseFields = fieldsOf([]sheet.Field{
	{Name: fieldID, Headers: []string{"lingkar id", "invoiceno", "invoice no", "invoice number", "invoice", "order id", "order number", "order no", "transaction id", "nomor pesanan"}},
	{Name: fieldOrderTime, Headers: []string{"order time", "order date", "invoicedate", "invoice date", "purchase date", "transaction date", "date", "tanggal"}},
	{Name: fieldAmount, Headers: []string{"revenue", "order total", "total", "amount", "jumlah"}},
	{Name: fieldProduct, Headers: []string{"stockcode", "stock code", "sku", "product code", "product", "item", "produk"}},
	{Name: fieldDescription, Headers: []string{"description", "product name", "item name", "deskripsi"}},
	{Name: fieldQuantity, Headers: []string{"quantity", "qty", "kuantitas"}},
	{Name: fieldUnitPrice, Headers: []string{"unitprice", "unit price", "price", "harga"}},
	{Name: fieldChannel, Headers: []string{"channel", "saluran"}},
})

// exported are fields that only a file written by Lingkar has, under their own
// names.
var exported = []string{fieldDetails, fieldCloseTime, fieldStatus, fieldReason, fieldDescription, fieldOrderTime, fieldChannel}

// fieldsOf adds what every kind has. A field of the kind itself comes first, so
// that its heads count.
func fieldsOf(own []sheet.Field) []sheet.Field {
	names := map[string]bool{}
	for _, f := range own {
		names[f.Name] = true
	}
	for _, list := range [][]sheet.Field{partyFields, recordFields} {
		for _, f := range list {
			if !names[f.Name] {
				names[f.Name] = true
				own = append(own, f)
			}
		}
	}
	for _, name := range exported {
		if !names[name] {
			own = append(own, sheet.Field{Name: name})
		}
	}
	return own
}

// known tells whether a field that is not among a kind's can be named: the entries
// of the maps that every resource has.
func known(field string) bool {
	for _, prefix := range entries {
		if name, ok := strings.CutPrefix(field, prefix); ok {
			return name != "" && len(name) <= 63
		}
	}
	return false
}

const (
	inLabels      = "labels."
	inCustom      = "custom_fields."
	inExternalIDs = "external_ids."
)

var entries = []string{inLabels, inCustom, inExternalIDs}

// systems tell a system by heads that only its exports have together.
var systems = []sheet.System{
	{Name: "lingkar", Heads: []string{"lingkar id"}},
	{Name: "hubspot", Heads: []string{"record id", "deal name"}},
	{Name: "salesforce", Heads: []string{"id", "isdeleted"}},
	{Name: "odoo", Heads: []string{"external id", "salesperson"}},
}

// anySystem is that of a file whose system is not known; contact calls it so too.
const anySystem = "import"

func systemOf(headers []string) string {
	return cmp.Or(sheet.SystemOf(systems, headers), anySystem)
}
