package strictjson_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/server/strictjson"
)

// Rows B02, B06, B17 and B22 of the catalogue of bad input.
func TestCheck_tellsTheFieldAndTheReason(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ body, want string }{
		"good":                      {`{"displayName": "a", "note": "b"}`, ""},
		"empty":                     {` `, ""},
		"null":                      {`null`, "contact "},
		"null field":                {`{"note": null, "identifiers": null, "labels": null}`, ""},
		"proto names":               {`{"display_name": "a"}`, ""},
		"unknown field":             {`{"nickname": "a"}`, "contact.nickname FIELD_UNKNOWN"},
		"unknown nested field":      {`{"preference": {"hour": "a"}}`, "contact.preference.hour FIELD_UNKNOWN"},
		"number for a string":       {`{"note": 1}`, "contact.note "},
		"object for a string":       {`{"note": {}}`, "contact.note "},
		"array for a scalar":        {`{"note": ["a"]}`, "contact.note "},
		"scalar for an array":       {`{"identifiers": {"kind": 1}}`, "contact.identifiers "},
		"scalar for a message":      {`{"preference": "phone"}`, "contact.preference "},
		"array for the message":     {`[1, {"a": [2]}]`, "contact "},
		"string for a boolean":      {`{"noThirdPartySharing": "true"}`, "contact.no_third_party_sharing "},
		"unknown enum":              {`{"kind": "CONTACT_KIND_ROBOT"}`, "contact.kind "},
		"unknown enum number":       {`{"kind": 99}`, "contact.kind "},
		"enum with an exponent":     {`{"kind": 1e0}`, "contact.kind "},
		"bad time":                  {`{"roles": [{"startTime": "yesterday"}]}`, "contact.roles[0].start_time "},
		"integer out of range":      {`{"birthday": {"year": 2147483648}}`, "contact.birthday.year "},
		"fraction for an integer":   {`{"birthday": {"year": 1.5}}`, "contact.birthday.year "},
		"exponent for an integer":   {`{"birthday": {"year": 2e3}}`, "contact.birthday.year "},
		"map with a number":         {`{"labels": {"a": 1}}`, "contact.labels "},
		"map key twice":             {`{"labels": {"a": "1", "a": "2"}}`, "contact.labels FIELD_DUPLICATE"},
		"field twice":               {`{"note": "a", "note": "b"}`, "contact.note FIELD_DUPLICATE"},
		"field twice by both names": {`{"displayName": "a", "display_name": "b"}`, "contact.display_name FIELD_DUPLICATE"},
		"struct key twice":          {`{"customFields": {"a": 1, "a": 2}}`, "contact.custom_fields "},
		"two values":                {`{"note": "a"}{"note": "b"}`, "contact JSON_INVALID"},
		"a tail":                    {`{"note": "a"} x`, "contact JSON_INVALID"},
		"truncated":                 {`{"note": "a`, "contact JSON_INVALID"},
		"not JSON":                  {`note=a`, "contact JSON_INVALID"},
		"NaN":                       {`{"customFields": {"a": NaN}}`, "contact JSON_INVALID"},
		"1e999":                     {`{"customFields": {"a": 1e999}}`, "contact.custom_fields "},
		"too deep":                  {`{"customFields": ` + strings.Repeat(`{"a":`, 64) + `1` + strings.Repeat(`}`, 64) + `}`, "contact JSON_TOO_DEEP"},
		"very deep":                 {strings.Repeat(`[`, 100_000), "contact JSON_TOO_DEEP"},
		"not UTF-8":                 {"{\"note\": \"\xff\"}", "contact INVALID_TEXT"},
		"overlong UTF-8":            {"{\"note\": \"\xc0\xaf\"}", "contact INVALID_TEXT"},
		"lone surrogate":            {`{"note": "\ud800"}`, "contact INVALID_TEXT"},
		"lone low surrogate":        {`{"note": "\udc00"}`, "contact INVALID_TEXT"},
		"surrogate and a letter":    {`{"note": "\ud800A"}`, "contact INVALID_TEXT"},
		"a pair":                    {`{"note": "\ud83d\ude00"}`, ""},
		"an escaped backslash":      {`{"note": "\\ud800"}`, ""},
	} {
		var told string
		if found := strictjson.Check([]byte(test.body), (&contactv1.Contact{}).ProtoReflect().Descriptor(), "contact"); len(found) > 0 {
			told = found[0].Field + " " + found[0].Reason
		}
		if told != test.want {
			t.Errorf("%s: %q, want %q", name, told, test.want)
		}
	}
}

func TestCheck_tellsEverything(t *testing.T) {
	t.Parallel()
	body := `{"nickname": {"a": [1, {}]}, "note": 1, "kind": "X", "identifiers": [{"value": 1}, {"colour": 2}]}`
	found := strictjson.Check([]byte(body), (&contactv1.Contact{}).ProtoReflect().Descriptor(), "")
	if len(found) != 5 {
		t.Errorf("found %v", found)
	}
}

// Who writes a value wrongly is told how it is written, with the values that there are.
func TestWanted(t *testing.T) {
	t.Parallel()
	const kinds = "must be one of CONTACT_KIND_PERSON, CONTACT_KIND_ORGANISATION"
	contact := (&contactv1.Contact{}).ProtoReflect().Descriptor()
	for _, body := range []string{`{"kind": "ROBOT"}`, `{"kind": 99}`, `{"kind": {}}`} {
		if found := strictjson.Check([]byte(body), contact, ""); len(found) != 1 || found[0].Description != kinds {
			t.Errorf("%s: %v, want %q", body, found, kinds)
		}
	}
	list := (&contactv1.ListContactsRequest{}).ProtoReflect().Descriptor()
	for _, test := range []struct {
		message     protoreflect.MessageDescriptor
		field, want string
	}{
		{contact, "kind", kinds},
		{contact, "display_name", "must be a string"},
		{contact, "create_time", `must be a time such as "2026-11-21T08:00:00Z"`},
		{contact, "birthday", "has another type"},
		{list, "page_size", "must be an integer within range"},
		{list, "show_deleted", "must be true or false"},
	} {
		if got := strictjson.Wanted(test.message.Fields().ByName(protoreflect.Name(test.field))); got != test.want {
			t.Errorf("%s %s, want %q", test.field, got, test.want)
		}
	}
}

// What is let pass becomes a message without error, or the caller would get an
// answer without the field.
func FuzzCheck(f *testing.F) {
	messages := []proto.Message{&contactv1.Contact{}, &salesv1.Order{}, &platformv1.CreateExchangeRateRequest{}, &platformv1.UpdateTeamRequest{}}
	for _, seed := range []string{
		`{"name": "contacts/1", "kind": "CONTACT_KIND_PERSON", "labels": {"a": "b"}, "customFields": {"a": [1, null, true]}}`,
		`{"birthday": {"year": "1980", "month": 2}, "createTime": "2026-01-01T00:00:00Z", "roles": [{"details": {}}]}`,
		`{"lines": [{"quantity": {"value": "1.5"}, "unitPrice": {"units": "12", "nanos": 5}}]}`,
		`{"team": {"displayName": "x"}, "updateMask": "displayName", "validateOnly": true}`,
		`{"exchangeRate": {"rate": "1", "date": {"day": -0}}}`,
	} {
		for i := range messages {
			f.Add([]byte(seed), i)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, which int) {
		m := proto.Clone(messages[(which%len(messages)+len(messages))%len(messages)])
		if found := strictjson.Check(body, m.ProtoReflect().Descriptor(), ""); len(found) > 0 || len(strings.TrimSpace(string(body))) == 0 {
			return
		}
		if err := protojson.Unmarshal(body, m); err != nil {
			t.Errorf("%s: let pass, and then %v", body, err)
		}
	})
}
