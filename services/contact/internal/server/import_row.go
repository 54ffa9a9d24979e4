package server

import (
	"crypto/sha256"
	"encoding/hex"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/lingkar-crm/lingkar/pkg/bulk"
	"github.com/lingkar-crm/lingkar/pkg/customfield"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/text"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store"
)

var errNobody = errs.Invalid("row", "NAME_MISSING", "the row names nobody: it has no name, e-mail address, phone number or company")

// besides are fields that say nothing without others: a row of these alone is
// empty.
var besides = []string{fieldExternalID, "create_time", "owner", "source", "status", "label", fieldConsent, fieldDeleted}

// saysNothing tells whether a row holds nothing of a contact.
func saysNothing(row bulk.Row) bool {
	for field := range row.Values {
		if !slices.Contains(besides, field) {
			return false
		}
	}
	return true
}

// incoming is a contact as a row has it, with its e-mail addresses and phone numbers
// in form, and what is to be said of the row.
type incoming struct {
	*contactv1.Contact
	read    []contact.Identifier
	remarks store.Remarks
}

// keepUnread keeps a value that cannot be read under a custom field of its own:
// better than losing it, or the whole contact.
func (c *incoming) keepUnread(field, value string) {
	if c.CustomFields == nil {
		c.CustomFields = &structpb.Struct{Fields: map[string]*structpb.Value{}}
	}
	c.CustomFields.Fields["unread_"+field] = structpb.NewStringValue(value)
	c.remarks.Unread = append(c.remarks.Unread, field)
}

// contactOfRow reads the contact that a row of an export speaks of.
func contactOfRow(row bulk.Row, spec *bulkv1.Import, rules *customfield.Rules) (*incoming, error) {
	c := &incoming{Contact: &contactv1.Contact{Source: "import", ExternalIds: map[string]string{}, Labels: map[string]string{}}}
	if v := row.First("source"); v != "" {
		c.Source = v
	}
	readAddress(row, c.Contact)
	region := c.GetRegionCode()
	if region == "" {
		region = spec.GetRegionCode()
	}
	readNames(row, c.Contact)
	readIdentifiers(row, c, region)
	if c.GetDisplayName() == "" && c.GetGivenName() == "" && c.GetFamilyName() == "" {
		if !readSelf(c.Contact) {
			return nil, errNobody
		}
	}
	readBirthday(row, c)
	c.Note = row.First("note")
	if lang, err := text.Language(row.First("language_code")); err == nil {
		c.LanguageCode = lang
	}
	c.Owner = ownerOf(row.First("owner"))
	readLabels(row, c.Contact)
	if err := readCustom(row, c.Contact, rules); err != nil {
		return nil, err
	}
	identifyRow(row, c.Contact, spec.GetSystem())
	return c, readDetails(row, c.Contact)
}

// readNames tells a person from an organisation: a row with a person's name is
// one, a row with only a company, or with the marks of an account, the other.
func readNames(row bulk.Row, c *contactv1.Contact) {
	c.GivenName = strings.TrimSpace(row.First("given_name") + " " + row.First("middle_name"))
	c.FamilyName = row.First("family_name")
	c.DisplayName = row.First("display_name")
	company := strings.TrimSpace(strings.Split(row.First(fieldCompany), ";")[0])
	c.JobTitle = row.First("job_title")
	c.Kind = contactv1.ContactKind_CONTACT_KIND_PERSON
	account := row.First(fieldAccount)
	marked := row.First("employees") != "" || row.First("revenue") != "" || row.First("industry") != "" || row.First("parent") != ""
	named := c.GivenName != "" || c.FamilyName != ""
	switch {
	case named:
		c.OrganisationName = firstOf(company, account)
		c.DisplayName = ""
	case account != "" || marked || (c.DisplayName == "" && company != ""):
		c.Kind = contactv1.ContactKind_CONTACT_KIND_ORGANISATION
		c.DisplayName = firstOf(account, company, c.DisplayName)
	default:
		c.OrganisationName = company
	}
}

// readSelf names a contact after its own e-mail address or phone number, and
// tells whether it has one.
func readSelf(c *contactv1.Contact) bool {
	for _, id := range c.GetIdentifiers() {
		if id.GetKind() == contactv1.IdentifierKind_IDENTIFIER_KIND_EMAIL || id.GetKind() == contactv1.IdentifierKind_IDENTIFIER_KIND_PHONE {
			c.DisplayName = id.GetValue()
			return true
		}
	}
	return false
}

// separators are how exports put several values into one cell.
var separators = strings.NewReplacer(" ::: ", "\n", ";", "\n")

func split(cells []string) []string {
	var all []string
	for _, cell := range cells {
		for _, v := range strings.Split(separators.Replace(cell), "\n") {
			if v = strings.TrimSpace(v); v != "" {
				all = append(all, v)
			}
		}
	}
	return all
}

// readIdentifiers reads what is one, and drops what an export keeps in the same
// column but is none: Exchange directory names among e-mail addresses.
func readIdentifiers(row bulk.Row, c *incoming, region string) {
	for _, v := range split(row.Values[fieldEmail]) {
		if !strings.HasPrefix(strings.ToLower(v), "/o=") {
			c.addEmail(v)
		}
	}
	for _, v := range split(row.Values[fieldPhone]) {
		c.addPhone(v, region)
	}
	for _, v := range split(row.Values[fieldWeb]) {
		c.addPage(strings.TrimPrefix(v, "www."))
	}
	if v := row.First(fieldCard); v != "" {
		c.addIdentifier(contactv1.IdentifierKind_IDENTIFIER_KIND_CARD, v)
	}
}

// addIdentifier adds an identifier and answers it, or the one that has its value.
func (c *incoming) addIdentifier(kind contactv1.IdentifierKind, value string) *contactv1.Identifier {
	for _, id := range c.Identifiers {
		if id.GetValue() == value {
			return id
		}
	}
	added := &contactv1.Identifier{Kind: kind, Value: value}
	c.Identifiers = append(c.Identifiers, added)
	return added
}

// addEmail adds an e-mail address, or keeps as text what is none: it then answers nil.
func (c *incoming) addEmail(v string) *contactv1.Identifier {
	address, err := text.ParseEmail(bareAddress(v))
	if err != nil {
		c.keepUnread(fieldEmail, v)
		return nil
	}
	c.read = append(c.read, contact.Identifier{Kind: contact.Email, Value: address.Address, Key: address.Key, Flags: address.Flags})
	return c.addIdentifier(contactv1.IdentifierKind_IDENTIFIER_KIND_EMAIL, address.Address)
}

// addPage adds a page, or keeps as text what is none: it then answers nil.
func (c *incoming) addPage(v string) *contactv1.Identifier {
	page, err := store.Identify(contact.Web, v, "")
	if err != nil {
		c.keepUnread(fieldWeb, v)
		return nil
	}
	if !slices.ContainsFunc(c.read, func(i contact.Identifier) bool { return i.Kind == contact.Web && i.Key == page.Key }) {
		c.read = append(c.read, page)
		return c.addIdentifier(contactv1.IdentifierKind_IDENTIFIER_KIND_WEB, page.Value)
	}
	return nil
}

// addPhone adds a phone number, or keeps as text what is none: it then answers nil.
func (c *incoming) addPhone(v, region string) *contactv1.Identifier {
	phone, err := text.ParsePhone(v, firstOf(region, defaultRegion))
	if err != nil {
		c.keepUnread(fieldPhone, v)
		return nil
	}
	c.read = append(c.read, contact.Identifier{Kind: contact.Phone, Value: phone.E164, Key: phone.E164, Flags: phone.Flags})
	added := c.addIdentifier(contactv1.IdentifierKind_IDENTIFIER_KIND_PHONE, phone.E164)
	added.Extension = firstOf(added.Extension, phone.Extension)
	return added
}

// defaultRegion is where phone numbers without a country code are from, unless
// the row or the import says so.
const defaultRegion = "ID"

// bareAddress takes the addr-spec out of "Flo Example <flo@example.com>".
func bareAddress(v string) string {
	if !strings.ContainsRune(v, '<') {
		return v
	}
	parsed, err := mail.ParseAddress(v)
	if err != nil {
		return v
	}
	return parsed.Address
}

func readAddress(row bulk.Row, c *contactv1.Contact) {
	a := &contactv1.Address{Locality: row.First("city"), AdministrativeArea: row.First("region"), PostalCode: row.First("postal_code")}
	for _, street := range row.Values["street"] {
		for _, line := range strings.Split(street, "\n") {
			if line = strings.TrimSpace(line); line != "" && len(a.Lines) < 6 {
				a.Lines = append(a.Lines, line)
			}
		}
	}
	country := row.First("country")
	if code, ok := text.Country(country); ok {
		a.RegionCode, c.RegionCode = code, code
	} else {
		a.Country = country
	}
	if len(a.Lines) > 0 || a.Locality != "" || a.PostalCode != "" || country != "" {
		c.Addresses = []*contactv1.Address{a}
	}
}

// dateForms are how exports write a day. A form without a year gives the year 0.
var dateForms = []string{time.DateOnly, "1/2/2006", "01/02/2006", "2 Jan 2006", "02.01.2006", "--01-02", "01/02"}

func readBirthday(row bulk.Row, c *incoming) {
	v := strings.TrimSpace(row.First("birthday"))
	if v == "" || v == "0/0/00" {
		return
	}
	c.setBirthday(v, dateForms)
}

// setBirthday reads a day in one of the forms, or keeps it as text.
func (c *incoming) setBirthday(v string, forms []string) {
	for _, form := range forms {
		day, err := time.Parse(form, v)
		if err != nil {
			continue
		}
		c.Birthday = &date.Date{Year: int32(day.Year()), Month: int32(day.Month()), Day: int32(day.Day())}
		return
	}
	c.keepUnread("birthday", v)
}

// ownerOf reads the address in "Flo Example (flo@example.com)".
func ownerOf(v string) string {
	if open, end := strings.LastIndexByte(v, '('), strings.LastIndexByte(v, ')'); open >= 0 && end > open {
		v = v[open+1 : end]
	}
	if address, err := text.ParseEmail(v); err == nil {
		return "users/" + address.Address
	}
	return ""
}

// readLabels makes a label of each group, and of each label column that the
// caller named.
func readLabels(row bulk.Row, c *contactv1.Contact) {
	for _, cell := range row.Values["label"] {
		for _, v := range strings.Split(strings.ReplaceAll(separators.Replace(cell), ",", "\n"), "\n") {
			v = strings.Trim(strings.TrimSpace(v), `*" `)
			if v != "" && len(v) <= 63 && len(c.Labels) < 64 {
				c.Labels[v] = "true"
			}
		}
	}
	if v := row.First("status"); v != "" {
		c.Labels["status"] = v
	}
	for field, values := range row.Values {
		if name, ok := strings.CutPrefix(field, "labels."); ok {
			c.Labels[name] = values[0]
		}
	}
}

// readCustom keeps what an account export says beside a name, and each column
// that the caller gave to a custom field: one that is on file by its type.
func readCustom(row bulk.Row, c *contactv1.Contact, rules *customfield.Rules) error {
	custom := c.GetCustomFields().GetFields()
	if custom == nil {
		custom = map[string]*structpb.Value{}
	}
	for _, field := range []string{"industry", "parent", "interest"} {
		if v := row.First(field); v != "" {
			custom[field] = structpb.NewStringValue(v)
		}
	}
	for _, field := range []string{"employees", "revenue"} {
		if n, err := strconv.ParseFloat(row.First(field), 64); err == nil {
			custom[field] = structpb.NewNumberValue(n)
		}
	}
	for field, values := range row.Values {
		if name, ok := strings.CutPrefix(field, "custom_fields."); ok {
			cell, err := cellOf(name, values[0], rules)
			if err != nil {
				return err
			}
			custom[name] = cell
		}
	}
	if len(custom) > 0 {
		c.CustomFields = &structpb.Struct{Fields: custom}
	}
	return nil
}

// cellOf reads the cell of a custom field; one that nobody has put on file is text.
func cellOf(key, cell string, rules *customfield.Rules) (*structpb.Value, error) {
	v, known, wrong := rules.Parse(key, cell)
	switch {
	case wrong != nil:
		return nil, errs.InvalidAll(*wrong)
	case !known:
		v = cell
	}
	return structpb.NewValue(v)
}

// identifyRow gives the contact its id in the other system. A row without one,
// and without any other identifier, gets one made of what it says, so that the
// same file brought twice meets its own records.
func identifyRow(row bulk.Row, c *contactv1.Contact, system string) {
	if id := row.First(fieldExternalID); id != "" {
		c.ExternalIds[system] = id
		return
	}
	identifyBySaying(c, system)
}

// identifyBySaying makes an id of what is said of a contact that has no other to be
// recognised by.
func identifyBySaying(c *contactv1.Contact, system string) {
	for _, id := range c.GetIdentifiers() {
		if id.GetKind() != contactv1.IdentifierKind_IDENTIFIER_KIND_PHONE {
			return
		}
	}
	said := []string{text.Key(c.GetDisplayName()), text.Key(c.GetGivenName()), text.Key(c.GetFamilyName()), text.Key(c.GetOrganisationName())}
	sum := sha256.Sum256([]byte(strings.Join(said, "\n")))
	c.ExternalIds[system] = "row-" + hex.EncodeToString(sum[:8])
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
