package store

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/type/date"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/text"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// fillContact writes the fields of a message into a contact, in form. The kind
// and the roles are taken at creation only.
func (s *Store) fillContact(c *contact.Contact, p *contactv1.Contact) error {
	return s.fillIdentified(c, p, Identify)
}

// identify brings the value of an identifier into its form, as Identify does.
type identify func(kind contact.IdentifierKind, value, region string) (contact.Identifier, error)

func (s *Store) fillIdentified(c *contact.Contact, p *contactv1.Contact, identify identify) error {
	r := &fields.Reader{In: "contact"}
	now := s.Now()
	if roles := readRoles(r, p.GetRoles(), now); c.Kind == 0 {
		c.Play(roles)
	}
	c.Kind = fields.Fixed(r, "kind", c.Kind, contact.Kind(p.GetKind()))
	was := c.NameAnonymous()
	fillNames(r, c, p)
	c.LanguageCode, c.RegionCode = language(r, p.GetLanguageCode()), region(r, "region_code", p.GetRegionCode())
	c.Birthday = birthday(r, p.GetBirthday(), now)
	c.Identifiers = identifiers(r, p, identify)
	if c.DisplayName == "" || c.DisplayName == was {
		nameAgain(c)
	}
	c.Addresses = addresses(r, p.GetAddresses())
	c.Preference = preference(r, p.GetPreference())
	c.Note = r.Words(p.GetNote())
	c.NoThirdPartySharing = p.GetNoThirdPartySharing()
	c.Owner, c.Team, c.Source = r.Line("owner", p.GetOwner()), r.Line("team", p.GetTeam()), r.Line("source", p.GetSource())
	own := c.ExternalIDs
	r.Labels(&c.Meta, p)
	keepOwn(c, own)
	if err := r.Err(); err != nil {
		return err
	}
	r.Add(c.Check()...)
	return r.Err()
}

// keepOwn leaves the contact its own id in a system where the one written is that of a
// contact that was merged into it: by that, too, it is known.
func keepOwn(c *contact.Contact, own map[string]string) {
	for system, id := range c.ExternalIDs {
		was := own[system]
		if was != "" && was != id && slices.Contains(c.Absorbed, contact.Handle{Kind: contact.ExternalID, Key: contact.ExternalKey(system, id)}) {
			c.ExternalIDs[system] = was
		}
	}
}

// fillNames keeps a display name that was made from the other names in step with
// them.
func fillNames(r *fields.Reader, c *contact.Contact, p *contactv1.Contact) {
	made := text.DisplayName(c.GivenName, c.FamilyName)
	follows := p.GetDisplayName() == "" || c.DisplayName != "" && c.DisplayName == made && p.GetDisplayName() == made
	c.GivenName = r.Line("given_name", p.GetGivenName())
	c.FamilyName = r.Line("family_name", p.GetFamilyName())
	c.OrganisationName = r.Line("organisation_name", p.GetOrganisationName())
	c.JobTitle = r.Line("job_title", p.GetJobTitle())
	c.DisplayName = r.Line("display_name", p.GetDisplayName())
	if follows {
		c.DisplayName = text.DisplayName(c.GivenName, c.FamilyName)
	}
	rekey(c)
}

// nameAgain names a contact that has no display name of its own: by its names, else as an
// anonymous one.
func nameAgain(c *contact.Contact) {
	c.DisplayName = cmp.Or(text.DisplayName(c.GivenName, c.FamilyName), c.NameAnonymous())
	rekey(c)
}

// rekey renews what lists and searches read of a contact's names.
func rekey(c *contact.Contact) {
	c.NameKey = text.SearchKey(c.DisplayName)
	c.SearchKey = searchKey(c)
}

// searchKey joins the names that search reads, those that repeat only once.
func searchKey(c *contact.Contact) string {
	keys := c.NameKey
	for _, name := range []string{text.DisplayName(c.GivenName, c.FamilyName), c.OrganisationName} {
		if k := text.SearchKey(name); !strings.Contains(keys, k) {
			keys += " " + k
		}
	}
	return keys
}

func language(r *fields.Reader, tag string) string {
	if tag == "" {
		return ""
	}
	canonical, err := text.Language(tag)
	refuse(r, "language_code", err)
	return canonical
}

// region checks that a code is assigned.
func region(r *fields.Reader, path, code string) string {
	if code == "" {
		return ""
	}
	known, ok := text.Country(code)
	if !ok {
		r.Fail(path, "REGION_INVALID", "is not an ISO 3166-1 alpha-2 country code")
	}
	return known
}

func identifiers(r *fields.Reader, p *contactv1.Contact, identify identify) []contact.Identifier {
	var list []contact.Identifier
	for n, i := range p.GetIdentifiers() {
		path := fmt.Sprintf("identifiers[%d]", n)
		made, err := identify(contact.IdentifierKind(i.GetKind()), i.GetValue(), p.GetRegionCode())
		refuse(r, path+".value", err)
		made.Label, made.Primary = r.Line(path+".label", i.GetLabel()), i.GetPrimary()
		if i.GetExtension() != "" {
			made.Extension = r.Line(path+".extension", i.GetExtension())
		}
		list = append(list, made)
	}
	return list
}

var (
	errWeb   = &text.Error{Reason: "URL_INVALID", Description: "is not the address of a page on the web"}
	errEmpty = &text.Error{Reason: errs.FieldInvalid, Description: "holds nothing that can be compared"}
)

// Identify brings the value of an identifier into its form and its key. The
// region is where a phone number without a country code was written.
func Identify(kind contact.IdentifierKind, value, region string) (contact.Identifier, error) {
	i := contact.Identifier{Kind: kind}
	line, err := text.Line(value)
	if err != nil {
		return i, err
	}
	switch kind {
	case contact.Email:
		e, err := text.ParseEmail(line)
		i.Value, i.Key, i.Flags = e.Address, e.Key, e.Flags
		return i, err
	case contact.Phone:
		p, err := text.ParsePhone(line, region)
		i.Value, i.Key, i.Extension, i.Flags = p.E164, p.E164, p.Extension, p.Flags
		return i, err
	case contact.Web:
		return identifyPage(line)
	case contact.Card:
		i.Value, i.Key = line, strings.NewReplacer(" ", "", "-", "", ".", "").Replace(text.Key(line))
	default:
		i.Value, i.Key = line, text.Key(line)
	}
	if i.Key == "" {
		return i, errEmpty
	}
	return i, nil
}

func identifyPage(line string) (contact.Identifier, error) {
	if !strings.Contains(line, "://") {
		line = "https://" + line
	}
	u, err := url.Parse(line)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.Contains(line, " ") {
		return contact.Identifier{}, errWeb
	}
	key := text.Key(u.Host) + strings.TrimSuffix(u.EscapedPath(), "/")
	if u.RawQuery != "" {
		key += "?" + u.RawQuery
	}
	return contact.Identifier{Kind: contact.Web, Value: line, Key: key, Flags: pageFlags(u.Host)}, nil
}

func pageFlags(host string) []string {
	if text.MixedScript(host) {
		return []string{text.FlagMixedScript}
	}
	return nil
}

// addresses recognises a country written as a name.
func addresses(r *fields.Reader, list []*contactv1.Address) []contact.Address {
	var out []contact.Address
	for n, p := range list {
		path := fmt.Sprintf("addresses[%d].", n)
		a := contact.Address{
			Label:              r.Line(path+"label", p.GetLabel()),
			Locality:           r.Line(path+"locality", p.GetLocality()),
			AdministrativeArea: r.Line(path+"administrative_area", p.GetAdministrativeArea()),
			PostalCode:         r.Line(path+"postal_code", p.GetPostalCode()),
			RegionCode:         region(r, path+"region_code", p.GetRegionCode()),
			Country:            r.Line(path+"country", p.GetCountry()),
		}
		for i, l := range p.GetLines() {
			a.Lines = append(a.Lines, r.Line(fmt.Sprintf("%slines[%d]", path, i), l))
		}
		if a.RegionCode == "" {
			a.RegionCode, _ = text.Country(a.Country)
		}
		out = append(out, a)
	}
	return out
}

var hoursForm = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`)

func preference(r *fields.Reader, p *contactv1.ContactPreference) *contact.Preference {
	if p == nil {
		return nil
	}
	if p.GetHours() != "" && !hoursForm.MatchString(p.GetHours()) {
		r.Fail("preference.hours", "", "is not a span of the day such as 18:00-20:00")
	}
	if zone := p.GetTimeZone(); zone != "" {
		_, err := text.TimeZone(zone)
		refuse(r, "preference.time_zone", err)
	}
	return &contact.Preference{
		Channel: int32(p.GetChannel()), Hours: p.GetHours(), TimeZone: p.GetTimeZone(), Place: r.Line("preference.place", p.GetPlace()),
	}
}

const yearless = "--01-02"

// birthday reads a date, its year unknown where 0.
func birthday(r *fields.Reader, p *date.Date, now time.Time) string {
	if p == nil {
		return ""
	}
	year := int(p.GetYear())
	if year == 0 {
		year = 2000 // a leap year
	}
	day := time.Date(year, time.Month(p.GetMonth()), int(p.GetDay()), 0, 0, 0, 0, time.UTC)
	if int32(day.Month()) != p.GetMonth() || int32(day.Day()) != p.GetDay() || p.GetYear() != 0 && p.GetYear() < 1800 || day.After(now.AddDate(0, 0, 1)) {
		r.Fail("birthday", "", "is not the date of a birth")
		return ""
	}
	if p.GetYear() == 0 {
		return day.Format(yearless)
	}
	return day.Format(time.DateOnly)
}

// birthdayProto words what birthday read.
func birthdayProto(s string) *date.Date {
	if s == "" {
		return nil
	}
	day, err := time.Parse(time.DateOnly, s)
	if err != nil {
		day, err = time.Parse(time.DateOnly, "2000-"+strings.TrimPrefix(s, "--"))
	}
	if err != nil {
		panic(fmt.Sprintf("store: a stored birthday is not a date: %v", err))
	}
	p := &date.Date{Year: int32(day.Year()), Month: int32(day.Month()), Day: int32(day.Day())}
	if strings.HasPrefix(s, "--") {
		p.Year = 0
	}
	return p
}
