package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

const ready = contactv1.CustomFieldIndexState_CUSTOM_FIELD_INDEX_STATE_READY

// fieldType answers the type of a name without its prefix.
func fieldType(name string) contactv1.CustomFieldType {
	return contactv1.CustomFieldType(contactv1.CustomFieldType_value["CUSTOM_FIELD_TYPE_"+name])
}

// field is a field of contacts with a name in English.
func field(key, kind string) *contactv1.CustomField {
	return &contactv1.CustomField{Resource: "contacts", Key: key, DisplayNames: map[string]string{"en": key}, Type: fieldType(kind)}
}

// add puts a field on file, and waits for its index where it is to have one.
func (a *api) add(t testing.TB, f *contactv1.CustomField) *contactv1.CustomField {
	t.Helper()
	added := must(a.CreateCustomField(a.Ctx(), &contactv1.CreateCustomFieldRequest{CustomField: f}))(t)
	if f.GetIndexed() {
		a.indexed(t, added.GetName())
	}
	return added
}

// indexed waits for the index of a field.
func (a *api) indexed(t testing.TB, name string) {
	t.Helper()
	testkit.Eventually(t, func() error {
		f, err := a.GetCustomField(a.Ctx(), &contactv1.GetCustomFieldRequest{Name: name})
		if err == nil && f.GetIndexState() != ready {
			err = fmt.Errorf("the index is %s", f.GetIndexState())
		}
		return err
	})
}

func custom(t testing.TB, values map[string]any) *structpb.Struct {
	t.Helper()
	s, err := structpb.NewStruct(values)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// with makes a person with custom fields.
func (a *api) with(t testing.TB, name string, values map[string]any) *contactv1.Contact {
	t.Helper()
	return a.create(t, &contactv1.Contact{Kind: person, DisplayName: name, CustomFields: custom(t, values)})
}

// CON-10, CON-27 and CON-48: a tenant adds a field, and another one knows nothing of it.
func testCustomFields(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-27", "CON-48"}, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		made := a.add(t, &contactv1.CustomField{
			Resource: "contacts", Key: "tier", Type: fieldType("CHOICE"), Required: true, DefaultValue: "silver",
			DisplayNames: map[string]string{"en": "Tier", "id": "Tingkat"}, HelpTexts: map[string]string{"en": "How dear."},
			Options: []*contactv1.CustomFieldOption{
				{Value: "silver", DisplayNames: map[string]string{"id": "perak"}}, {Value: "gold"},
			},
			Kinds: []contactv1.ContactKind{person},
		})
		got := must(a.GetCustomField(ctx, &contactv1.GetCustomFieldRequest{Name: made.GetName()}))(t)
		if !proto.Equal(got, made) || made.GetInUse() {
			t.Errorf("read %v, made %v", got, made)
		}
		_, err := other.GetCustomField(ctx, &contactv1.GetCustomFieldRequest{Name: made.GetName()})
		refused(t, err, codes.NotFound, "CUSTOM_FIELD_NOT_FOUND")
		_, err = a.CreateCustomField(ctx, &contactv1.CreateCustomFieldRequest{CustomField: field("tier", "TEXT")})
		refused(t, err, codes.AlreadyExists, "CUSTOM_FIELD_KEY_TAKEN")
		other.add(t, field("tier", "INTEGER"))
		list := must(a.ListCustomFields(ctx, &contactv1.ListCustomFieldsRequest{Filter: `resource = "contacts"`}))(t)
		if len(list.GetCustomFields()) != 1 || list.GetCustomFields()[0].GetName() != made.GetName() {
			t.Errorf("listed %v", list)
		}

		c := a.named(t, "Default")
		if v := c.GetCustomFields().GetFields()["tier"].GetStringValue(); v != "silver" {
			t.Errorf("the default is %q", v)
		}
		if f := must(a.GetCustomField(ctx, &contactv1.GetCustomFieldRequest{Name: made.GetName()}))(t); !f.GetInUse() {
			t.Error("the field is not in use")
		}
		if o := a.create(t, &contactv1.Contact{Kind: organisation, DisplayName: "PT"}); o.GetCustomFields() != nil {
			t.Errorf("an organisation has %v", o.GetCustomFields())
		}
		_, err = a.CreateContact(ctx, &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
			Kind: organisation, DisplayName: "CV", CustomFields: custom(t, map[string]any{"tier": "gold"}),
		}})
		violates(t, err, "contact.custom_fields.tier", "FIELD_NOT_OF_KIND")
		_, err = a.UpdateContact(ctx, &contactv1.UpdateContactRequest{
			Contact: &contactv1.Contact{Name: c.GetName()}, UpdateMask: mask("custom_fields.tier"),
		})
		violates(t, err, "contact.custom_fields.tier", "FIELD_REQUIRED")
		c = must(a.UpdateContact(ctx, &contactv1.UpdateContactRequest{
			Contact:    &contactv1.Contact{Name: c.GetName(), CustomFields: custom(t, map[string]any{"tier": "gold", "free": 1})},
			UpdateMask: mask("custom_fields"),
		}))(t)
		if !proto.Equal(c.GetCustomFields(), custom(t, map[string]any{"tier": "gold", "free": 1})) {
			t.Errorf("changed to %v", c.GetCustomFields())
		}

		must(a.DeleteCustomField(ctx, &contactv1.DeleteCustomFieldRequest{Name: made.GetName()}))(t)
		a.with(t, "Free again", map[string]any{"tier": 7})
		must(a.UndeleteCustomField(ctx, &contactv1.UndeleteCustomFieldRequest{Name: made.GetName()}))(t)
		_, err = a.CreateContact(ctx, &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
			Kind: person, DisplayName: "Bound again", CustomFields: custom(t, map[string]any{"tier": 7}),
		}})
		violates(t, err, "contact.custom_fields.tier", "")
	})
}

// CON-27: each type takes its values, in one form, and refuses all others by name.
func testCustomFields_values(t *testing.T, s *testkit.Suite) {
	a, _ := fresh(t, s)
	ctx := a.Ctx()
	text := field("text", "TEXT")
	text.Pattern, text.MaxLength = "[A-Z].*", 5
	number := field("integer", "INTEGER")
	number.Minimum, number.Maximum = "-3", "10"
	amount := field("money", "MONEY")
	amount.Minimum = "0"
	day := field("date", "DATE")
	day.Maximum = "2030-12-31"
	many := field("multi_choice", "MULTI_CHOICE")
	many.Options = []*contactv1.CustomFieldOption{{Value: "a"}, {Value: "b"}, {Value: "old", Archived: true}}
	one := field("choice", "CHOICE")
	one.Options = many.Options
	for _, f := range []*contactv1.CustomField{
		text, number, amount, day, many, one, field("long_text", "LONG_TEXT"), field("decimal", "DECIMAL"), field("bool", "BOOL"),
		field("timestamp", "TIMESTAMP"), field("email", "EMAIL"), field("phone", "PHONE"), field("url", "URL"), field("contact", "CONTACT"),
	} {
		a.add(t, f)
	}
	known := a.named(t, "Known")
	for n, v := range []struct {
		key        string
		value, put any    // what is kept, where it is taken
		reason     string // of the refusal
	}{
		{"text", " Abc ", "Abc", ""}, {"text", "abc", nil, "PATTERN_MISMATCH"}, {"text", "Abcdef", nil, "FIELD_INVALID"},
		{"text", 5, nil, "FIELD_INVALID"}, {"text", "A\nb", nil, ""}, {"text", "", nil, ""}, {"text", nil, nil, ""},
		{"long_text", "a\nb ", "a\nb", ""}, {"long_text", strings.Repeat("x", 10001), nil, "FIELD_INVALID"},
		{"integer", 10, 10, ""}, {"integer", 11, nil, "VALUE_TOO_LARGE"}, {"integer", -4, nil, "VALUE_TOO_SMALL"}, {"integer", 1.5, nil, "FIELD_INVALID"},
		{"integer", "5", nil, "FIELD_INVALID"}, {"integer", 1e300, nil, "FIELD_INVALID"},
		{"decimal", "12.50", "12.5", ""}, {"decimal", -0.1, "-0.1", ""}, {"decimal", 1e300, nil, "FIELD_INVALID"}, {"decimal", "1,5", nil, "FIELD_INVALID"},
		{"money", map[string]any{"currencyCode": "IDR", "units": 5}, map[string]any{"currencyCode": "IDR", "units": "5"}, ""},
		{"money", map[string]any{"currencyCode": "IDR", "units": "-5"}, nil, "FIELD_INVALID"},
		{"money", map[string]any{"currencyCode": "XXX", "units": "5"}, nil, "FIELD_INVALID"},
		{"money", map[string]any{"currencyCode": "IDR", "unit": "5"}, nil, "FIELD_INVALID"}, {"money", "IDR 5", nil, "FIELD_INVALID"}, {"money", 5, nil, "FIELD_INVALID"},
		{"bool", true, true, ""}, {"bool", "true", nil, "FIELD_INVALID"},
		{"date", "2026-01-31", "2026-01-31", ""}, {"date", "2026-02-31", nil, "FIELD_INVALID"}, {"date", "2031-01-01", nil, "VALUE_TOO_LARGE"},
		{"timestamp", "2026-01-31T09:00:00+07:00", "2026-01-31T02:00:00Z", ""}, {"timestamp", "2026-01-31", nil, "FIELD_INVALID"},
		{"timestamp", "9999-12-31T23:59:59-12:00", nil, "FIELD_INVALID"},
		{"choice", "a", "a", ""}, {"choice", "c", nil, "OPTION_UNKNOWN"}, {"choice", "old", nil, "OPTION_UNKNOWN"},
		{"multi_choice", []any{"b", "a"}, []any{"b", "a"}, ""}, {"multi_choice", []any{"a", "a"}, nil, "FIELD_INVALID"},
		{"multi_choice", "a", nil, "FIELD_INVALID"}, {"multi_choice", []any{1}, nil, "FIELD_INVALID"}, {"multi_choice", []any{"old"}, nil, "OPTION_UNKNOWN"},
		{"email", "A@Example.COM", "A@example.com", ""}, {"email", "a@", nil, ""},
		{"phone", "0812-3456-7890", "+6281234567890", ""}, {"phone", "12", nil, ""},
		{"url", "https://example.com/x", "https://example.com/x", ""}, {"url", "javascript:alert(1)", nil, "FIELD_INVALID"},
		{"contact", known.GetName(), known.GetName(), ""}, {"contact", "contacts/1", nil, "FIELD_INVALID"},
	} {
		c, err := a.CreateContact(ctx, &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
			Kind: person, DisplayName: fmt.Sprintf("Value %d", n), CustomFields: custom(t, map[string]any{v.key: v.value}),
		}})
		switch empty := v.value == nil || v.value == ""; {
		case v.put != nil && !proto.Equal(c.GetCustomFields(), custom(t, map[string]any{v.key: v.put})):
			t.Errorf("%s %v: kept %v (%v), want %v", v.key, v.value, c.GetCustomFields(), err, v.put)
		case empty && (err != nil || len(c.GetCustomFields().GetFields()) > 0):
			t.Errorf("%s %v: kept %v (%v), want nothing", v.key, v.value, c.GetCustomFields(), err)
		case v.put == nil && !empty:
			violates(t, err, "contact.custom_fields."+v.key, v.reason)
		}
	}
	for _, bad := range []func(*contactv1.CustomField){
		func(f *contactv1.CustomField) { f.Resource = "campaigns" },
		func(f *contactv1.CustomField) { f.Key = "Bad-Key" },
		func(f *contactv1.CustomField) { f.DisplayNames = nil },
		func(f *contactv1.CustomField) { f.Pattern = "(" },
		func(f *contactv1.CustomField) { f.Pattern, f.DefaultValue = "a+", "b" },
		func(f *contactv1.CustomField) { f.Minimum = "1" },
		func(f *contactv1.CustomField) { f.Unique = true },
		func(f *contactv1.CustomField) { f.MaxLength = 501 },
		func(f *contactv1.CustomField) { f.Options = []*contactv1.CustomFieldOption{{Value: "x"}} },
		func(f *contactv1.CustomField) { f.Type = fieldType("CHOICE") },
		func(f *contactv1.CustomField) { f.Type, f.Indexed = fieldType("LONG_TEXT"), true },
		func(f *contactv1.CustomField) { f.Type, f.Searchable = fieldType("BOOL"), true },
		func(f *contactv1.CustomField) {
			f.Type, f.Minimum, f.Maximum = fieldType("DATE"), "2026-02-01", "2026-01-01"
		},
		func(f *contactv1.CustomField) { f.Type, f.Minimum = fieldType("INTEGER"), "many" },
		func(f *contactv1.CustomField) {
			f.Resource, f.Kinds = "relationships", []contactv1.ContactKind{person}
		},
	} {
		f := field("bad", "TEXT")
		bad(f)
		_, err := a.CreateCustomField(ctx, &contactv1.CreateCustomFieldRequest{CustomField: f})
		refused(t, err, codes.InvalidArgument, "")
	}
}

// CON-27: a list is filtered alike with an index and without one, and sorted with one:
// what was written before the index was asked for is in it too.
func testCustomFields_lists(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-27"}, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		plan := field("plan", "CHOICE")
		plan.Options = []*contactv1.CustomFieldOption{{Value: "basic"}, {Value: "plus"}}
		tags := field("tags", "MULTI_CHOICE")
		tags.Options = plan.Options
		defined := map[string]*contactv1.CustomField{}
		for _, f := range []*contactv1.CustomField{
			field("score", "INTEGER"), field("rate", "DECIMAL"), field("limit", "MONEY"), field("vip", "BOOL"), field("since", "DATE"),
			field("seen", "TIMESTAMP"), field("city", "TEXT"), plan, tags,
		} {
			defined[f.GetKey()] = a.add(t, f)
		}
		for _, c := range []struct {
			name   string
			values map[string]any
		}{
			{"A", map[string]any{"score": 100, "rate": "-2.5", "limit": idr("900"), "vip": true, "since": "2020-01-01", "seen": "2026-01-01T00:00:00Z", "city": "Bandung", "plan": "plus", "tags": []any{"basic", "plus"}}},
			{"B", map[string]any{"score": -5, "rate": "10", "limit": idr("1000"), "vip": false, "since": "2019-05-05", "seen": "2026-01-01T00:00:00.5Z", "city": "Jakarta", "plan": "basic", "tags": []any{"basic"}}},
			{"C", map[string]any{"score": 20, "rate": "9.99"}},
			{"D", nil},
		} {
			a.with(t, c.name, c.values)
			other.with(t, "X"+c.name, c.values)
		}
		filters := map[string]string{
			"custom_fields.score > 0": "AC", "custom_fields.score = -5": "B", "custom_fields.score != -5": "ACD", "custom_fields.score <= 20": "BC",
			"NOT custom_fields.score > 0": "BD", "custom_fields.rate < 9.995": "AC", `custom_fields.rate = "10.0"`: "B", "custom_fields.rate >= -2.5": "ABC",
			`custom_fields.limit > "IDR 950"`: "B", `custom_fields.limit = "IDR 900"`: "A", "custom_fields.vip": "A", "custom_fields.vip = false": "B",
			`custom_fields.since < "2020-01-01"`: "B", `custom_fields.seen > "2026-01-01T07:00:00+07:00"`: "B", `custom_fields.city = "Jakarta"`: "B",
			`custom_fields.city > "C"`: "B", `custom_fields.plan = "plus" OR custom_fields.score = 20`: "AC", `custom_fields.tags:"basic"`: "AB",
			`custom_fields.tags:"plus"`: "A", "custom_fields.score:*": "ABC", "NOT custom_fields.score:*": "D",
			`custom_fields.score > 0 AND custom_fields.city = "Bandung"`: "A",
		}
		check := func(when string) {
			t.Helper()
			for filter, want := range filters {
				got, err := a.ListContacts(ctx, &contactv1.ListContactsRequest{Filter: filter, OrderBy: "create_time"})
				if found := strings.Join(names(got.GetContacts()), ""); err != nil || found != want {
					t.Errorf("%s: %s finds %q (%v), want %q", when, filter, found, err, want)
				}
			}
		}
		check("without an index")
		_, err := a.ListContacts(ctx, &contactv1.ListContactsRequest{OrderBy: "custom_fields.score"})
		refused(t, err, codes.InvalidArgument, "ORDER_BY_INVALID")
		for _, f := range defined {
			must(a.UpdateCustomField(ctx, &contactv1.UpdateCustomFieldRequest{
				CustomField: &contactv1.CustomField{Name: f.GetName(), Indexed: true}, UpdateMask: mask("indexed"),
			}))(t)
		}
		for _, f := range defined {
			a.indexed(t, f.GetName())
		}
		check("with an index")
		for order, want := range map[string]string{
			"custom_fields.score": "BCAD", "custom_fields.score desc": "ACBD", "custom_fields.rate": "ACBD", "custom_fields.limit desc": "BADC",
			"custom_fields.since": "BACD", "custom_fields.seen": "ABCD", "custom_fields.city desc": "BADC", "custom_fields.plan": "BACD",
		} {
			got, err := a.ListContacts(ctx, &contactv1.ListContactsRequest{OrderBy: order})
			if found := strings.Join(names(got.GetContacts()), ""); err != nil || found != want {
				t.Errorf("by %s: %q (%v), want %q", order, found, err, want)
			}
		}
		got := must(a.ListContacts(ctx, &contactv1.ListContactsRequest{Filter: "custom_fields.score > 0", OrderBy: "custom_fields.score"}))(t)
		if found := strings.Join(names(got.GetContacts()), ""); found != "CA" {
			t.Errorf("filtered and sorted: %q", found)
		}
		for _, bad := range []*contactv1.ListContactsRequest{
			{OrderBy: "custom_fields.tags"}, {OrderBy: "custom_fields.none"}, {OrderBy: "custom_fields.score, create_time"},
			{OrderBy: "create_time, custom_fields.score"}, {Filter: `custom_fields.score > "x"`}, {Filter: "custom_fields.plan > \"a\""},
			{Filter: "custom_fields.vip = 3"}, {Filter: "custom_fields.tags = \"basic\""}, {Filter: `custom_fields.limit > 5`}, {Filter: "custom_fields.score"},
		} {
			_, err := a.ListContacts(ctx, bad)
			refused(t, err, codes.InvalidArgument, "")
		}
	})
}

func idr(units string) map[string]any { return map[string]any{"currencyCode": "IDR", "units": units} }

// A list by a custom field goes on page by page, over those that have no value, in either
// direction, and over what is written meanwhile.
func testCustomFields_pages(t *testing.T, s *testkit.Suite) {
	a, other := fresh(t, s)
	ctx := a.Ctx()
	f := field("rank", "INTEGER")
	f.Indexed = true
	a.add(t, f)
	var up []string
	for n := range 23 {
		values := map[string]any{"rank": n / 2}
		if n >= 17 {
			values = nil
		}
		a.with(t, fmt.Sprintf("P%02d", n), values)
		up = append(up, fmt.Sprintf("P%02d", n))
	}
	other.with(t, "Foreign", map[string]any{"rank": 1})
	down := append(slices.Clone(up[:17]), up[17:]...)
	slices.Reverse(down[:17])
	slices.Reverse(down[17:])
	for order, want := range map[string][]string{"custom_fields.rank": up, "custom_fields.rank desc": down} {
		for _, size := range []int32{1, 4, 17, 100} {
			var seen []string
			for token := ""; ; {
				page := must(a.ListContacts(ctx, &contactv1.ListContactsRequest{PageSize: size, PageToken: token, OrderBy: order}))(t)
				seen = append(seen, names(page.GetContacts())...)
				if token = page.GetNextPageToken(); token == "" {
					break
				}
			}
			if !slices.Equal(seen, want) {
				t.Errorf("by %s, %d a page: %v, want %v", order, size, seen, want)
			}
		}
	}
}

// CON-27: what is there stays, whatever is changed about a field, and what would leave
// it without meaning is refused.
func testCustomFields_change(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, _ *api) {
		ctx := a.Ctx()
		plan := field("plan", "CHOICE")
		plan.Options, plan.Indexed = []*contactv1.CustomFieldOption{{Value: "basic"}, {Value: "plus"}}, true
		made := a.add(t, plan)
		update := func(f *contactv1.CustomField, paths ...string) (*contactv1.CustomField, error) {
			f.Name = made.GetName()
			return a.UpdateCustomField(ctx, &contactv1.UpdateCustomFieldRequest{CustomField: f, UpdateMask: mask(paths...)})
		}
		must(update(&contactv1.CustomField{Type: fieldType("INTEGER")}, "type", "options"))(t)
		must(update(&contactv1.CustomField{Type: fieldType("CHOICE"), Options: plan.GetOptions()}, "type", "options"))(t)
		c := a.with(t, "Holder", map[string]any{"plan": "plus"})
		_, err := update(&contactv1.CustomField{Type: fieldType("INTEGER")}, "type", "options")
		refused(t, err, codes.FailedPrecondition, "CUSTOM_FIELD_IN_USE")
		_, err = update(&contactv1.CustomField{Key: "other"}, "key")
		refused(t, err, codes.InvalidArgument, "FIELD_IMMUTABLE")

		less := must(update(&contactv1.CustomField{Options: []*contactv1.CustomFieldOption{{Value: "basic"}}}, "options"))(t)
		if len(less.GetOptions()) != 2 || !less.GetOptions()[1].GetArchived() {
			t.Errorf("an option that was left out: %v", less.GetOptions())
		}
		c = must(a.UpdateContact(ctx, &contactv1.UpdateContactRequest{
			Contact:    &contactv1.Contact{Name: c.GetName(), CustomFields: custom(t, map[string]any{"plan": "plus", "more": true})},
			UpdateMask: mask("custom_fields"),
		}))(t)
		_, err = a.CreateContact(ctx, &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
			Kind: person, DisplayName: "Late", CustomFields: custom(t, map[string]any{"plan": "plus"}),
		}})
		violates(t, err, "contact.custom_fields.plan", "OPTION_UNKNOWN")
		found := must(a.ListContacts(ctx, &contactv1.ListContactsRequest{Filter: `custom_fields.plan = "plus"`}))(t)
		if !slices.Equal(names(found.GetContacts()), []string{"Holder"}) {
			t.Errorf("found %v by an option that is gone", names(found.GetContacts()))
		}
		wide := must(update(&contactv1.CustomField{Type: fieldType("TEXT")}, "type", "options"))(t)
		if wide.GetType() != fieldType("TEXT") {
			t.Errorf("widened to %s", wide.GetType())
		}
		a.with(t, "Anything", map[string]any{"plan": "whatever"})
		if got := must(a.GetContact(ctx, &contactv1.GetContactRequest{Name: c.GetName()}))(t); !proto.Equal(got.GetCustomFields(), c.GetCustomFields()) {
			t.Errorf("what was there is %v", got.GetCustomFields())
		}

		must(update(&contactv1.CustomField{}, "indexed"))(t)
		_, err = a.ListContacts(ctx, &contactv1.ListContactsRequest{OrderBy: "custom_fields.plan"})
		refused(t, err, codes.InvalidArgument, "ORDER_BY_INVALID")
		must(update(&contactv1.CustomField{Indexed: true}, "indexed"))(t)
		a.indexed(t, made.GetName())
		got := must(a.ListContacts(ctx, &contactv1.ListContactsRequest{OrderBy: "custom_fields.plan"}))(t)
		if !slices.Equal(names(got.GetContacts()), []string{"Holder", "Anything"}) {
			t.Errorf("indexed again: %v", names(got.GetContacts()))
		}
	})
}

// A value of a unique field is one living contact's: it can be passed on by a merge, and
// a deleted contact gives it up.
func testCustomFields_unique(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		tax := field("tax_id", "TEXT")
		tax.Unique, tax.Indexed = true, true
		a.add(t, tax)
		other.add(t, tax)
		first := a.with(t, "First", map[string]any{"tax_id": "1"})
		other.with(t, "Elsewhere", map[string]any{"tax_id": "1"})
		_, err := a.CreateContact(ctx, &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
			Kind: person, DisplayName: "Second", CustomFields: custom(t, map[string]any{"tax_id": "1"}),
		}})
		refused(t, err, codes.AlreadyExists, "CUSTOM_FIELD_VALUE_TAKEN")
		must(a.DeleteContact(ctx, &contactv1.DeleteContactRequest{Name: first.GetName()}))(t)
		second := a.with(t, "Second", map[string]any{"tax_id": "1"})
		_, err = a.UndeleteContact(ctx, &contactv1.UndeleteContactRequest{Name: first.GetName()})
		refused(t, err, codes.AlreadyExists, "CUSTOM_FIELD_VALUE_TAKEN")

		survivor := a.named(t, "Survivor")
		must(a.MergeContacts(ctx, &contactv1.MergeContactsRequest{Name: survivor.GetName(), Contacts: []string{second.GetName()}}))(t)
		got := must(a.GetContact(ctx, &contactv1.GetContactRequest{Name: survivor.GetName()}))(t)
		if v := got.GetCustomFields().GetFields()["tax_id"].GetStringValue(); v != "1" {
			t.Errorf("the survivor has %q", v)
		}
		_, err = a.CreateContact(ctx, &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
			Kind: person, DisplayName: "Third", CustomFields: custom(t, map[string]any{"tax_id": "1"}),
		}})
		refused(t, err, codes.AlreadyExists, "CUSTOM_FIELD_VALUE_TAKEN")
		must(a.UnmergeContact(ctx, &contactv1.UnmergeContactRequest{Name: second.GetName()}))(t)
		found := must(a.ListContacts(ctx, &contactv1.ListContactsRequest{Filter: `custom_fields.tax_id = "1"`}))(t)
		if !slices.Equal(names(found.GetContacts()), []string{"Second"}) {
			t.Errorf("after the merge was undone: %v", names(found.GetContacts()))
		}
	})
}
