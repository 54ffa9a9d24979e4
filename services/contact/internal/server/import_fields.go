package server

import (
	"cmp"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/sheet"
)

// The fields that a column of an export can mean beside those of a contact that
// are named the same.
const (
	fieldCompany    = "organisation_name"
	fieldAccount    = "account_name"
	fieldExternalID = "external_id"
	fieldEmail      = "email"
	fieldPhone      = "phone"
	fieldExtension  = "phone_extension"
	fieldWeb        = "web"
	fieldCard       = "card"
	fieldConsent    = "consent_time"
	fieldDeleted    = "is_deleted"
	fieldDetails    = "details"
	fieldVCard      = "vcard"
)

// importFields are the heads of the exports of Google Contacts (both forms),
// Outlook, HubSpot, Salesforce, LinkedIn, Mailchimp, Odoo and of plain lists in
// English, German, French and Indonesian.
var importFields = []sheet.Field{
	{Name: fieldExternalID, Headers: []string{"lingkar id", "record id", "id", "external id", "customer id", "contact id", "account id", "leid", "kode pelanggan"}},
	{Name: "display_name", Headers: []string{"display name", "full name", "contact name", "customer name", "name", "nama", "nama lengkap"}},
	{Name: "given_name", Headers: []string{"given name", "first name", "firstname", "vorname", "prenom", "nama depan"}},
	{Name: "middle_name", Headers: []string{"additional name", "middle name", "middlename"}},
	{Name: "family_name", Headers: []string{"family name", "last name", "lastname", "surname", "nachname", "nom", "nama belakang"}},
	{Name: fieldAccount, Headers: []string{"account name", "account"}},
	{Name: fieldCompany, Headers: []string{"organization # name", "organisation name", "organization name", "company name", "company", "associated company", "firma", "entreprise", "perusahaan", "nama perusahaan"}},
	{Name: "job_title", Headers: []string{"organization # title", "organization title", "job title", "position", "jabatan", "fonction"}},
	{Name: fieldEmail, Repeated: true, Headers: []string{
		"e mail # value", "e mail address", "e mail # address", "email address", "email", "e mail", "customer email", "mail", "surel"}},
	{Name: fieldPhone, Repeated: true, Headers: []string{
		"phone # value", "phone number", "phone", "mobile phone", "mobile", "primary phone", "home phone", "home phone #", "business phone", "business phone #",
		"company main phone", "other phone", "car phone", "telephone", "telefon", "no hp", "nomor telepon", "telepon", "customer phone"}},
	{Name: fieldWeb, Repeated: true, Headers: []string{"website # value", "web page", "website", "url", "company domain name", "personal web page"}},
	{Name: fieldCard, Headers: []string{"card number", "membership number", "nomor kartu"}},
	{Name: "street", Repeated: true, Headers: []string{"address # street", "business street", "home street", "billing street", "other street", "street", "strasse", "straße", "alamat"}},
	{Name: "city", Headers: []string{"address # city", "business city", "home city", "billing city", "city", "ort", "stadt", "ville", "kota"}},
	{Name: "region", Headers: []string{"address # region", "business state", "home state", "billing state", "state", "region", "provinsi"}},
	{Name: "postal_code", Headers: []string{"address # postal code", "business postal code", "home postal code", "billing postal code", "postal code", "zip", "plz", "kode pos"}},
	{Name: "country", Headers: []string{"address # country", "business country region", "home country region", "home country", "billing country", "country region", "country", "cc", "office location", "land", "pays", "negara"}},
	{Name: "birthday", Headers: []string{"birthday", "date of birth", "geburtstag", "tanggal lahir"}},
	{Name: "language_code", Headers: []string{"language", "sprache", "bahasa"}},
	{Name: "note", Headers: []string{"notes", "note", "description", "catatan"}},
	{Name: "label", Repeated: true, Headers: []string{"labels", "group membership", "categories", "tags"}},
	{Name: "owner", Headers: []string{"contact owner", "company owner", "assigned to email", "owner", "salesperson"}},
	{Name: "source", Headers: []string{"original source", "lead source", "source"}},
	{Name: "create_time", Headers: []string{"create date", "created date", "connected on"}},
	{Name: fieldConsent, Headers: []string{"confirm time", "optin time"}},
	{Name: fieldDeleted, Headers: []string{"isdeleted", "is deleted"}},
	{Name: "industry", Headers: []string{"industry", "sector", "branche", "industri"}},
	{Name: "employees", Headers: []string{"number of employees", "employees", "jumlah karyawan"}},
	{Name: "revenue", Headers: []string{"annual revenue", "annualrevenue", "revenue"}},
	{Name: "parent", Headers: []string{"parent company", "subsidiary of", "parentid"}},
	{Name: "status", Headers: []string{"lead status", "lifecycle stage", "status"}},
	{Name: "interest", Headers: []string{"product interest"}},
	{Name: fieldDetails, Headers: []string{"details"}},
	{Name: fieldVCard, Headers: []string{sheet.CardColumn}},
}

// knownImportField tells whether an override may name a field that is not among
// importFields.
func knownImportField(field string) bool {
	name, ok := strings.CutPrefix(field, "custom_fields.")
	if !ok {
		name, ok = strings.CutPrefix(field, "labels.")
	}
	return ok && name != "" && len(name) <= 63
}

// systems tell a system by heads that only its exports have together.
var systems = []sheet.System{
	{Name: "lingkar", Heads: []string{"lingkar id"}},
	{Name: "hubspot", Heads: []string{"record id", "create date"}},
	{Name: "salesforce", Heads: []string{"id", "isdeleted"}},
	{Name: "google", Heads: []string{"e mail # value"}},
	{Name: "outlook", Heads: []string{"e mail address", "business phone"}},
	{Name: "linkedin", Heads: []string{"url", "connected on"}},
	{Name: "mailchimp", Heads: []string{"leid", "euid"}},
	{Name: "vcard", Heads: []string{sheet.CardColumn}},
	{Name: "odoo", Heads: []string{"external id", "salesperson"}},
}

func importSystem(headers []string) string {
	return cmp.Or(sheet.SystemOf(systems, headers), "import")
}
