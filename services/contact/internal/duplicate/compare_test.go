package duplicate_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/duplicate"
)

func person(given, family string, more ...func(*contact.Contact)) *contact.Contact {
	c := &contact.Contact{Kind: contact.Person, GivenName: given, FamilyName: family, DisplayName: given + " " + family}
	for _, f := range more {
		f(c)
	}
	return c
}

func born(day string) func(*contact.Contact) { return func(c *contact.Contact) { c.Birthday = day } }

func holding(kind contact.IdentifierKind, key string) func(*contact.Contact) {
	return func(c *contact.Contact) {
		c.Identifiers = append(c.Identifiers, contact.Identifier{Kind: kind, Value: key, Key: key})
	}
}

func compare(a, b *contact.Contact) duplicate.Match {
	return duplicate.Compare(duplicate.Of(a), duplicate.Of(b))
}

func agreement(m duplicate.Match, f duplicate.Field) duplicate.Agreement {
	for _, r := range m.Reasons {
		if r.Field == f {
			return r.Agreement
		}
	}
	return 0
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a, b  *contact.Contact
		field duplicate.Field
		want  duplicate.Agreement
	}{
		"the same":        {person("Budi", "Santoso"), person("BUDI", "santoso"), duplicate.FamilyName, duplicate.Equal},
		"a typing error":  {person("Budi", "Santoso"), person("Budi", "Santosa"), duplicate.FamilyName, duplicate.Similar},
		"swapped":         {person("Budi", "Santoso"), person("Santoso", "Budi"), duplicate.FamilyName, duplicate.Equal},
		"a title":         {person("Dr. Budi", "Santoso"), person("Budi", "Santoso"), duplicate.GivenName, duplicate.Equal},
		"another":         {person("Budi", "Santoso"), person("Budi", "Wijaya"), duplicate.FamilyName, duplicate.Different},
		"accents":         {person("José", "Müller"), person("Jose", "Muller"), duplicate.FamilyName, duplicate.Equal},
		"looks alike":     {person("Budi", "Santoso"), person("Budi", "Sаntosо"), duplicate.FamilyName, duplicate.Confusable}, // B08: Cyrillic а and о
		"birthday":        {person("A", "B", born("1990-04-12")), person("A", "B", born("1990-04-12")), duplicate.Birthday, duplicate.Equal},
		"one digit":       {person("A", "B", born("1990-04-12")), person("A", "B", born("1990-04-13")), duplicate.Birthday, duplicate.Similar},
		"day and month":   {person("A", "B", born("1990-04-12")), person("A", "B", born("1990-12-04")), duplicate.Birthday, duplicate.Similar},
		"no year":         {person("A", "B", born("1990-04-12")), person("A", "B", born("--04-12")), duplicate.Birthday, duplicate.Similar},
		"another day":     {person("A", "B", born("1990-04-12")), person("A", "B", born("1971-08-30")), duplicate.Birthday, duplicate.Different},
		"e-mail":          {person("A", "B", holding(contact.Email, "a@x.id")), person("A", "B", holding(contact.Email, "a@x.id")), duplicate.Email, duplicate.Equal},
		"e-mail alike":    {person("A", "B", holding(contact.Email, "admin@x.id")), person("A", "B", holding(contact.Email, "аdmin@x.id")), duplicate.Email, duplicate.Confusable},
		"nothing to hold": {person("A", "B"), person("A", "B", born("1990-04-12")), duplicate.Birthday, 0},
	} {
		m := compare(c.a, c.b)
		if got := agreement(m, c.field); got != c.want {
			t.Errorf("%s: %s is %d, want %d (%+v)", name, c.field, got, c.want, m)
		}
	}
}

// B08: what only looks alike never makes a match.
func TestCompare_confusableWeighsNothing(t *testing.T) {
	t.Parallel()
	real := person("Paula", "Pace", holding(contact.Email, "paula@pace.example"))
	fake := person("Раulа", "Расе", holding(contact.Email, "раulа@расе.example"))
	m := compare(real, fake)
	if m.Weight != 0 || len(m.Reasons) != 3 {
		t.Errorf("%+v", m)
	}
	if !slices.ContainsFunc(duplicate.Of(real).Keys(), func(k int64) bool { return slices.Contains(duplicate.Of(fake).Keys(), k) }) {
		t.Error("the two are not even shown to a person: they share no key")
	}
}

func TestCompare_kindsApart(t *testing.T) {
	t.Parallel()
	company := &contact.Contact{Kind: contact.Organisation, DisplayName: "Budi Santoso"}
	if m := compare(company, person("Budi", "Santoso")); m.Weight != 0 || m.Reasons != nil {
		t.Errorf("%+v", m)
	}
	a := &contact.Contact{Kind: contact.Organisation, DisplayName: "PT Sumber Makmur Tbk"}
	b := &contact.Contact{Kind: contact.Organisation, DisplayName: "Sumber Makmur, PT"}
	if got := agreement(compare(a, b), duplicate.Name); got != duplicate.Equal {
		t.Errorf("without their legal forms the names are %d", got)
	}
}

// Whoever is compared with whom, the score is the same; and nobody is more alike than
// oneself.
func TestCompare_symmetric(t *testing.T) {
	t.Parallel()
	words := rapid.SampledFrom([]string{"", "Budi", "Budy", "Santoso", "Siti", "Sаnti", "María José", "d'Arc"})
	days := rapid.SampledFrom([]string{"", "1990-04-12", "1990-12-04", "--04-12", "1971-08-30"})
	mails := rapid.SliceOfN(rapid.SampledFrom([]string{"a@x.id", "b@x.id", "а@x.id"}), 0, 3)
	some := rapid.Custom(func(t *rapid.T) duplicate.Record {
		c := person(words.Draw(t, "given"), words.Draw(t, "family"), born(days.Draw(t, "born")))
		for _, m := range mails.Draw(t, "mails") {
			holding(contact.Email, m)(c)
		}
		c.Addresses = []contact.Address{{Lines: []string{words.Draw(t, "street")}, Locality: words.Draw(t, "town")}}
		return duplicate.Of(c)
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := some.Draw(t, "a"), some.Draw(t, "b")
		one, other := duplicate.Compare(a, b).Weight, duplicate.Compare(b, a).Weight
		if math.Abs(one-other) > 1e-9 {
			t.Fatalf("%v one way, %v the other", one, other)
		}
		if self := duplicate.Compare(a, a).Weight; self < one-1e-9 {
			t.Fatalf("more like another (%v) than itself (%v)", one, self)
		}
	})
}

// The values are those of the literature (Winkler 1990; Christen 2012).
func TestJaroWinkler(t *testing.T) {
	t.Parallel()
	for pair, want := range map[[2]string]float64{
		{"MARTHA", "MARHTA"}: 0.961111, {"DWAYNE", "DUANE"}: 0.84, {"DIXON", "DICKSONX"}: 0.813333, {"JELLYFISH", "SMELLYFISH"}: 0.896296,
		{"", "A"}: 0, {"A", "B"}: 0, {"Ä", "Ä"}: 1,
	} {
		if got := duplicate.JaroWinkler(pair[0], pair[1]); math.Abs(got-want) > 1e-6 {
			t.Errorf("%v: %v, want %v", pair, got, want)
		}
	}
}

func TestEdits(t *testing.T) {
	t.Parallel()
	for pair, want := range map[[2]string]int{
		{"MARTHA", "MARHTA"}: 1, {"DIXON", "DICKSONX"}: 4, {"", "abc"}: 3, {"abc", ""}: 3, {"kitten", "sitting"}: 3, {"ca", "abc"}: 3,
	} {
		if got := duplicate.Edits(pair[0], pair[1]); got != want {
			t.Errorf("%v: %d, want %d", pair, got, want)
		}
	}
}

func TestKeys_spellings(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]*contact.Contact{
		{person("Soekarno", "Djoko"), person("Djoko", "Sukarno")}, {person("Achmad", "Sjarif"), person("Ahmad", "Sarif")},
	} {
		a, b := duplicate.Of(pair[0]).Keys(), duplicate.Of(pair[1]).Keys()
		if !slices.ContainsFunc(a, func(k int64) bool { return slices.Contains(b, k) }) {
			t.Errorf("%s and %s share no key", pair[0].DisplayName, pair[1].DisplayName)
		}
	}
}
