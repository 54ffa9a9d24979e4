package duplicate

import (
	"slices"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/text"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// Field is what was compared.
type Field string

// The fields, as reasons name them.
const (
	Name       Field = "name"
	GivenName  Field = "given_name"
	FamilyName Field = "family_name"
	Birthday   Field = "birthday"
	Street     Field = "address"
	Locality   Field = "locality"
	PostalCode Field = "postal_code"
	Email      Field = "email"
	Phone      Field = "phone"
	Card       Field = "card"
	Device     Field = "device"
	Web        Field = "web"
	ExternalID Field = "external_id"
)

// Agreement is how far two values agree.
type Agreement int

// The agreements, numbered as in the contract. Confusable values only look alike.
const (
	Equal      Agreement = 1
	Similar    Agreement = 2
	Different  Agreement = 3
	Confusable Agreement = 4
)

// Reason says what the comparison of one field adds to the weight.
type Reason struct {
	Field     Field
	Agreement Agreement
	// Weight is in bits; below 0 where it speaks against.
	Weight float64
}

// Match is what the comparison of two records came to.
type Match struct {
	// Weight is the sum over the reasons, in bits.
	Weight  float64
	Reasons []Reason
}

// weights are those of a field whose values are equal, similar and different. They
// follow log2(m/u) with m, how often it is seen of one person, estimated on the pairs
// of the Febrl set 1 (Christen 2008), and u, how often of two, from how many values a
// field has in use.
type weights struct{ equal, similar, different float64 }

var (
	ofName     = weights{11, 7, -5}
	ofGiven    = weights{5, 3.5, -1}
	ofFamily   = weights{6.5, 4.5, -1.5}
	ofCrossed  = weights{5, 3.5, -1.5}
	ofBirthday = weights{11, 6, -4}
	ofStreet   = weights{8, 5, -1}
	ofLocality = weights{4, 3, -0.5}
	ofPostal   = weights{5, 3, -0.5}
)

// ofHandle is what one identifier in common weighs. Several people of a household or
// an office share a phone and an e-mail address; a card, a device and an id in another
// system belong to one.
var ofHandle = map[contact.IdentifierKind]struct {
	field  Field
	weight float64
}{
	contact.Email: {Email, 9}, contact.Phone: {Phone, 7}, contact.Card: {Card, 14}, contact.Device: {Device, 12},
	contact.Web: {Web, 4}, contact.ExternalID: {ExternalID, 14},
}

// otherID is what speaks against one person where one system knows them by two ids.
const otherID = -3

// Compare answers how much two records agree.
func Compare(a, b Record) Match {
	var m Match
	if a.Kind != b.Kind {
		return m
	}
	m.names(a, b)
	m.birthdays(a.Birthday, b.Birthday)
	m.addresses(a.Addresses, b.Addresses)
	m.handles(a.Handles, b.Handles)
	return m
}

func (m *Match) add(f Field, a Agreement, weight float64) {
	m.Weight += weight
	m.Reasons = append(m.Reasons, Reason{f, a, weight})
}

// level adds a field by how much its values are alike, where both are known.
func (m *Match) level(f Field, w weights, a, b string, alike, similar float64) {
	switch {
	case a == "" || b == "":
	case a == b:
		m.add(f, Equal, w.equal)
	case text.Skeleton(a) == text.Skeleton(b):
		m.add(f, Confusable, 0)
	case alike >= similar:
		m.add(f, Similar, w.similar)
	default:
		m.add(f, Different, w.different)
	}
}

// closeName is the similarity from which two names may be spellings of one.
const closeName = 0.88

// names compares given and family names in both orders and takes the better one;
// whole names where a part is unknown.
func (m *Match) names(a, b Record) {
	if a.Kind == contact.Organisation || a.Given+a.Family == "" || b.Given+b.Family == "" {
		m.whole(a.Name, b.Name)
		return
	}
	var straight, crossed Match
	straight.part(GivenName, ofGiven, a.Given, b.Given)
	straight.part(FamilyName, ofFamily, a.Family, b.Family)
	crossed.part(GivenName, ofCrossed, a.Given, b.Family)
	crossed.part(FamilyName, ofCrossed, a.Family, b.Given)
	if crossed.Weight > straight.Weight+1 {
		straight = crossed
	}
	for _, r := range straight.Reasons {
		m.add(r.Field, r.Agreement, r.Weight)
	}
}

func (m *Match) part(f Field, w weights, a, b string) {
	m.level(f, w, a, b, JaroWinkler(a, b), closeName)
}

// whole compares names as sets of words, each with the one most like it (Monge and
// Elkan 1996), so that their order does not matter.
func (m *Match) whole(a, b string) {
	x, y := strings.Join(sorted(a), " "), strings.Join(sorted(b), " ")
	m.level(Name, ofName, x, y, min(wordsAlike(a, b), wordsAlike(b, a)), closeName)
}

func wordsAlike(a, b string) float64 {
	words, others := strings.Fields(a), strings.Fields(b)
	if len(words) == 0 || len(others) == 0 {
		return 0
	}
	sum := 0.0
	for _, w := range words {
		best := 0.0
		for _, o := range others {
			best = max(best, JaroWinkler(w, o))
		}
		sum += best
	}
	return sum / float64(len(words))
}

// birthdays compares dates; one digit typed wrong, or two swapped, is similar. Where
// one of them has no year, only the day counts, and less.
func (m *Match) birthdays(a, b string) {
	if a == "" || b == "" {
		return
	}
	if strings.HasPrefix(a, "--") || strings.HasPrefix(b, "--") {
		if a[len(a)-5:] == b[len(b)-5:] {
			m.add(Birthday, Similar, ofBirthday.similar)
		} else {
			m.add(Birthday, Different, ofBirthday.different)
		}
		return
	}
	near := 0.0
	if Edits(a, b) <= 1 || swappedDay(a, b) {
		near = 1
	}
	m.level(Birthday, ofBirthday, a, b, near, 1)
}

// swappedDay reports whether day and month changed places.
func swappedDay(a, b string) bool { return a[:4] == b[:4] && a[5:7] == b[8:] && a[8:] == b[5:7] }

// addresses adds the pair of addresses that agrees most.
func (m *Match) addresses(a, b []Address) {
	var best *Match
	for _, x := range a {
		for _, y := range b {
			var one Match
			one.address(x, y)
			if len(one.Reasons) > 0 && (best == nil || one.Weight > best.Weight) {
				best = &one
			}
		}
	}
	if best == nil {
		return
	}
	for _, r := range best.Reasons {
		m.add(r.Field, r.Agreement, r.Weight)
	}
}

func (m *Match) address(a, b Address) {
	m.level(Street, ofStreet, a.Street, b.Street, max(alike(a.Street, b.Street), min(wordsAlike(a.Street, b.Street), wordsAlike(b.Street, a.Street))), 0.8)
	m.level(Locality, ofLocality, a.Locality, b.Locality, JaroWinkler(a.Locality, b.Locality), closeName)
	near := 0.0
	if Edits(a.PostalCode, b.PostalCode) <= 1 {
		near = 1
	}
	m.level(PostalCode, ofPostal, a.PostalCode, b.PostalCode, near, 1)
}

// handles adds each kind of identifier once, however many they have in common.
func (m *Match) handles(a, b []contact.Handle) {
	counted := map[Field]bool{}
	for _, h := range a {
		if of := ofHandle[h.Kind]; !counted[of.field] && slices.Contains(b, h) {
			counted[of.field] = true
			m.add(of.field, Equal, of.weight)
		}
	}
	if !counted[Email] && slices.ContainsFunc(a, func(h contact.Handle) bool { return h.Kind == contact.Email && confusable(h, b) }) {
		m.add(Email, Confusable, 0)
	}
	if !counted[ExternalID] && sharedSystem(a, b) {
		m.add(ExternalID, Different, otherID)
	}
}

// sharedSystem reports whether one system gave both an id.
func sharedSystem(a, b []contact.Handle) bool {
	systems := map[string]bool{}
	for _, h := range a {
		if h.Kind == contact.ExternalID {
			systems[system(h)] = true
		}
	}
	return slices.ContainsFunc(b, func(h contact.Handle) bool { return h.Kind == contact.ExternalID && systems[system(h)] })
}

func system(h contact.Handle) string {
	name, _, _ := strings.Cut(h.Key, ":")
	return name
}

// confusable reports whether one of the list only looks like the handle.
func confusable(h contact.Handle, list []contact.Handle) bool {
	skeleton := text.Skeleton(h.Key)
	return slices.ContainsFunc(list, func(o contact.Handle) bool {
		return o.Kind == h.Kind && o.Key != h.Key && text.Skeleton(o.Key) == skeleton
	})
}
