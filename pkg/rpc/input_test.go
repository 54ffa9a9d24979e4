package rpc_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

func insecureCredentials() credentials.TransportCredentials { return insecure.NewCredentials() }

const createContact = contactv1.ContactService_CreateContact_FullMethodName

// nested is a Struct of that many levels, as bytes: no Go value of it is made.
func nested(levels int) []byte {
	field := func(n protowire.Number, b []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), b)
	}
	var s []byte
	for range levels {
		s = field(1, append(field(1, []byte("k")), field(2, field(5, s))...)) // fields { key, value { struct_value } }
	}
	return field(1, field(23, s)) // contact.custom_fields
}

// B01, B03, B06: what cannot be decoded is the caller's fault.
func TestMalformed(t *testing.T) {
	t.Parallel()
	s := serve(t, &contacts{}, &views{}, nil)
	conn := s.dial(t)
	whole, err := proto.Marshal(&contactv1.CreateContactRequest{Contact: &contactv1.Contact{Kind: 1, DisplayName: "Ann"}})
	if err != nil {
		t.Fatal(err)
	}
	big := func(n int) []byte {
		b, err := proto.Marshal(&contactv1.CreateContactRequest{Contact: &contactv1.Contact{Kind: 1, Note: strings.Repeat("x", n)}})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, c := range map[string]struct {
		b      []byte
		code   codes.Code
		reason string
	}{
		"whole":                {whole, codes.OK, ""},
		"an unknown field":     {append([]byte{0xa2, 0x06, 0x01, 'x'}, whole...), codes.OK, ""},
		"our own mark":         {protowire.AppendVarint(protowire.AppendTag(whole, protowire.MaxValidNumber, protowire.VarintType), 1), codes.OK, ""},
		"truncated":            {whole[:len(whole)-1], codes.InvalidArgument, "MALFORMED_MESSAGE"},
		"garbage":              {[]byte("{\"contact\":{}}"), codes.InvalidArgument, "MALFORMED_MESSAGE"},
		"invalid UTF-8":        {[]byte{0x12, 0x02, 0xc3, 0x28}, codes.InvalidArgument, "MALFORMED_MESSAGE"},
		"a lone surrogate":     {[]byte{0x12, 0x03, 0xed, 0xa0, 0x80}, codes.InvalidArgument, "MALFORMED_MESSAGE"},
		"overlong UTF-8":       {[]byte{0x12, 0x02, 0xc0, 0x80}, codes.InvalidArgument, "MALFORMED_MESSAGE"},
		"an open group":        {[]byte{0x0b}, codes.InvalidArgument, "MALFORMED_MESSAGE"},
		"a length of 2 GiB":    {[]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x07}, codes.InvalidArgument, "MALFORMED_MESSAGE"},
		"12,000 levels":        {nested(12_000), codes.InvalidArgument, "MALFORMED_MESSAGE"},
		"9 levels":             {append(nested(9), whole...), codes.InvalidArgument, "FIELD_INVALID"},
		"a bit over 1 MiB":     {big(1 << 20), codes.ResourceExhausted, "REQUEST_TOO_LARGE"},
		"6 MiB":                {big(6 << 20), codes.ResourceExhausted, "REQUEST_TOO_LARGE"},
		"more than is read":    {big(9 << 20), codes.ResourceExhausted, "RESOURCE_EXHAUSTED"},
		"a rule's own message": {big(1<<20 - 100), codes.InvalidArgument, "FIELD_INVALID"},
	} {
		opts := []grpc.CallOption{grpc.ForceCodecV2(rpc.Codec()), grpc.MaxCallSendMsgSize(16 << 20)}
		err := conn.Invoke(as(t, auth.Admin), createContact, &rpc.Frame{Payload: c.b}, &rpc.Frame{}, opts...)
		expect(t, name, err, c.code, c.reason)
	}
	bomb := &contactv1.CreateContactRequest{Contact: &contactv1.Contact{Kind: 1, Note: strings.Repeat("x", 7<<20)}}
	err = conn.Invoke(as(t, auth.Admin), createContact, bomb, &contactv1.Contact{}, grpc.UseCompressor(gzip.Name))
	expect(t, "a gzip bomb", err, codes.ResourceExhausted, "REQUEST_TOO_LARGE")
}

func TestAnswerTooLarge(t *testing.T) {
	t.Parallel()
	s := serve(t, &contacts{get: func(context.Context, *contactv1.GetContactRequest) (*contactv1.Contact, error) {
		return &contactv1.Contact{Note: strings.Repeat("x", rpc.MaxResponse)}, nil
	}}, &views{}, nil)
	_, err := contactv1.NewContactServiceClient(s.dial(t)).GetContact(as(t, auth.Admin), &contactv1.GetContactRequest{Name: "contacts/x"})
	expect(t, "8 MiB and more", err, codes.ResourceExhausted, "RESPONSE_TOO_LARGE")
}

// B06, B07, B17 to B23: what no store takes is refused by field.
func TestWellFormed(t *testing.T) {
	t.Parallel()
	person := func(change func(*contactv1.Contact)) proto.Message {
		c := &contactv1.Contact{Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: "Ann"}
		change(c)
		return &contactv1.CreateContactRequest{Contact: c}
	}
	named := func(name string) proto.Message {
		return person(func(c *contactv1.Contact) { c.DisplayName = name })
	}
	noted := func(note string) proto.Message {
		return person(func(c *contactv1.Contact) { c.Note = note })
	}
	worth := func(m *money.Money) proto.Message {
		return &salesv1.Lead{EstimatedValue: m}
	}
	custom := func(v any) proto.Message {
		return person(func(c *contactv1.Contact) {
			value, err := structpb.NewValue(v)
			if err != nil {
				t.Fatal(err)
			}
			c.CustomFields = &structpb.Struct{Fields: map[string]*structpb.Value{"f": value}}
		})
	}
	deep := func(levels int) any {
		var v any = "x"
		for range levels - 1 {
			v = []any{v}
		}
		return v
	}
	for name, c := range map[string]struct {
		m             proto.Message
		field, reason string
	}{
		"plain":               {named("Ann Żółć 李 😀 e\u0301"), "", ""},
		"NUL":                 {named("A\x00nn"), "contact.display_name", "INVALID_TEXT"},
		"escape":              {named("A\x1b[31mnn"), "contact.display_name", "INVALID_TEXT"},
		"line feed in a name": {named("Ann\nBob"), "contact.display_name", "INVALID_TEXT"},
		"tab in a name":       {named("Ann\tBob"), "contact.display_name", "INVALID_TEXT"},
		"override in a name":  {named("Ann\u202Egnp.exe"), "contact.display_name", "INVALID_TEXT"},
		"isolate in a name":   {named("\u2066Ann"), "contact.display_name", "INVALID_TEXT"},
		"zero-width joiner":   {named("👩\u200D💻"), "", ""},
		"U+FFFE":              {named("Ann\uFFFE"), "contact.display_name", "INVALID_TEXT"},
		"U+FFFF in a text":    {noted("x\uFFFF"), "contact.note", "INVALID_TEXT"},
		"BOM inside":          {noted("x\uFEFFy"), "contact.note", "INVALID_TEXT"},
		"lines in a text":     {noted("one\r\n\ttwo"), "", ""},
		"isolate in a text":   {noted("\u2066one\u2069"), "", ""},
		"NUL in a text":       {noted("one\x00"), "contact.note", "INVALID_TEXT"},
		"bell in a text":      {noted("one\a"), "contact.note", "INVALID_TEXT"},
		"in a list": {person(func(c *contactv1.Contact) {
			c.Identifiers = []*contactv1.Identifier{{Kind: 1, Value: "a@b.c"}, {Kind: 1, Value: "a\x00@b.c"}}
		}), "contact.identifiers[1].value", "INVALID_TEXT"},
		"in a list of texts":       {person(func(c *contactv1.Contact) { c.Addresses = []*contactv1.Address{{Lines: []string{"ok", "b\x00d"}}} }), "contact.addresses[0].lines[1]", "INVALID_TEXT"},
		"in a value of a map":      {person(func(c *contactv1.Contact) { c.Labels = map[string]string{"a": "b\x00d"} }), `contact.labels["a"]`, "INVALID_TEXT"},
		"in a key of a map":        {person(func(c *contactv1.Contact) { c.ExternalIds = map[string]string{"b\x00d": "x"} }), "contact.external_ids", "INVALID_TEXT"},
		"in a custom field":        {custom(map[string]any{"x": "b\x00d"}), `contact.custom_fields.fields["f"].struct_value.fields["x"].string_value`, "INVALID_TEXT"},
		"not a number":             {custom(math.NaN()), `contact.custom_fields.fields["f"].number_value`, "FIELD_INVALID"},
		"infinity":                 {custom(math.Inf(-1)), `contact.custom_fields.fields["f"].number_value`, "FIELD_INVALID"},
		"8 levels":                 {custom(deep(8)), "", ""},
		"9 levels":                 {custom(deep(9)), "contact.custom_fields", "FIELD_INVALID"},
		"65 KiB of custom fields":  {custom(strings.Repeat("x", 65<<10)), "contact.custom_fields", "FIELD_INVALID"},
		"an unknown enum":          {person(func(c *contactv1.Contact) { c.Roles = []*contactv1.Role{{Kind: 1}, {Kind: 77}} }), "contact.roles[1].kind", "FIELD_INVALID"},
		"a negative enum":          {person(func(c *contactv1.Contact) { c.Roles = []*contactv1.Role{{Kind: -1}} }), "contact.roles[0].kind", "FIELD_INVALID"},
		"year 300,000":             {person(func(c *contactv1.Contact) { c.CreateTime = &timestamppb.Timestamp{Seconds: 9_400_000_000_000} }), "contact.create_time", "FIELD_INVALID"},
		"year 0":                   {person(func(c *contactv1.Contact) { c.CreateTime = &timestamppb.Timestamp{Seconds: -62_135_596_801} }), "contact.create_time", "FIELD_INVALID"},
		"a billion nanos":          {person(func(c *contactv1.Contact) { c.CreateTime = &timestamppb.Timestamp{Nanos: 1_000_000_000} }), "contact.create_time", "FIELD_INVALID"},
		"money":                    {worth(&money.Money{CurrencyCode: "IDR", Units: -5, Nanos: -500_000_000}), "", ""},
		"money of two signs":       {worth(&money.Money{CurrencyCode: "IDR", Units: 5, Nanos: -1}), "estimated_value", "MONEY_INVALID"},
		"money, a billion nanos":   {worth(&money.Money{CurrencyCode: "IDR", Nanos: 1_000_000_000}), "estimated_value", "MONEY_INVALID"},
		"money without a currency": {worth(&money.Money{Units: 5}), "estimated_value", "MONEY_INVALID"},
		"money in words":           {worth(&money.Money{CurrencyCode: "rupiah", Units: 5}), "estimated_value", "MONEY_INVALID"},
	} {
		found := rpc.WellFormed(c.m)
		switch {
		case c.field == "" && len(found) > 0:
			t.Errorf("%s: refused by %v", name, found)
		case c.field != "" && (len(found) != 1 || found[0].Field != c.field || reasonOf(found[0]) != c.reason):
			t.Errorf("%s: got %v, want %s %s", name, found, c.field, c.reason)
		}
	}
}

func reasonOf(v errs.Violation) string {
	if v.Reason == "" {
		return "FIELD_INVALID"
	}
	return v.Reason
}

func TestRules_allAtOnceAndWithoutValues(t *testing.T) {
	t.Parallel()
	s := serve(t, &contacts{}, &views{}, nil)
	_, err := contactv1.NewContactServiceClient(s.dial(t)).CreateContact(as(t, auth.Admin), &contactv1.CreateContactRequest{
		ContactId: strings.Repeat("secret", 10),
		RequestId: "sécret",
		Contact:   &contactv1.Contact{DisplayName: "secret\x00", GivenName: strings.Repeat("secret", 50), RegionCode: "secret"},
	})
	expect(t, "many", err, codes.InvalidArgument, "FIELD_INVALID")
	fields := map[string]string{}
	for _, v := range errs.FieldViolations(err) {
		fields[v.Field] = v.Reason
		if v.Description == "" || strings.Contains(v.Description, "secret") {
			t.Errorf("%s is described by %q", v.Field, v.Description)
		}
	}
	for _, want := range []string{"contact_id", "request_id", "contact.kind", "contact.given_name", "contact.region_code"} {
		if fields[want] != "FIELD_INVALID" {
			t.Errorf("%s: got %q", want, fields[want])
		}
	}
	if fields["contact.display_name"] != "INVALID_TEXT" {
		t.Errorf("display_name: got %q", fields["contact.display_name"])
	}
}

func TestReadMask(t *testing.T) {
	t.Parallel()
	ann := func() *contactv1.Contact {
		return &contactv1.Contact{
			Name: "contacts/a", DisplayName: "Ann", Note: "n", Labels: map[string]string{"a": "b"},
			Identifiers: []*contactv1.Identifier{{Kind: 1, Value: "a@b.c", Label: "work"}},
			Preference:  &contactv1.ContactPreference{Hours: "08:00-09:00", Place: "shop"},
		}
	}
	asked := 0
	s := serve(t, &contacts{
		get: func(context.Context, *contactv1.GetContactRequest) (*contactv1.Contact, error) {
			asked++
			return ann(), nil
		},
		list: func(context.Context, *contactv1.ListContactsRequest) (*contactv1.ListContactsResponse, error) {
			return &contactv1.ListContactsResponse{Contacts: []*contactv1.Contact{ann(), ann()}, NextPageToken: "next"}, nil
		},
	}, &views{}, nil)
	client := contactv1.NewContactServiceClient(s.dial(t))
	for name, c := range map[string]struct {
		paths []string
		want  *contactv1.Contact
	}{
		"none":            {nil, ann()},
		"all":             {[]string{"note", "*"}, ann()},
		"some":            {[]string{"name", "labels"}, &contactv1.Contact{Name: "contacts/a", Labels: map[string]string{"a": "b"}}},
		"below":           {[]string{"preference.hours"}, &contactv1.Contact{Preference: &contactv1.ContactPreference{Hours: "08:00-09:00"}}},
		"below a list":    {[]string{"identifiers.value"}, &contactv1.Contact{Identifiers: []*contactv1.Identifier{{Value: "a@b.c"}}}},
		"whole and below": {[]string{"preference.hours", "preference", "preference.place"}, &contactv1.Contact{Preference: ann().GetPreference()}},
		"what is not set": {[]string{"family_name"}, &contactv1.Contact{}},
	} {
		mask := &fieldmaskpb.FieldMask{Paths: c.paths}
		got, err := client.GetContact(as(t, auth.Admin), &contactv1.GetContactRequest{Name: "contacts/a", ReadMask: mask})
		if err != nil || !proto.Equal(got, c.want) {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
		page, err := client.ListContacts(as(t, auth.Admin), &contactv1.ListContactsRequest{ReadMask: mask})
		if err != nil || page.GetNextPageToken() != "next" || len(page.GetContacts()) != 2 || !proto.Equal(page.GetContacts()[1], c.want) {
			t.Errorf("%s, list: got %v, %v", name, page, err)
		}
	}
	asked = 0
	for _, path := range []string{"unheard_of", "displayName", "preference.unheard_of", "note.x", "labels.a", "preference.", "", "name;"} {
		_, err := client.GetContact(as(t, auth.Admin), &contactv1.GetContactRequest{Name: "contacts/a", ReadMask: &fieldmaskpb.FieldMask{Paths: []string{path}}})
		expect(t, path, err, codes.InvalidArgument, "FIELD_INVALID")
	}
	if asked != 0 {
		t.Errorf("the handler ran %d times for masks that are wrong", asked)
	}
}

// B01: no bytes make anything but the caller's fault.
func FuzzMessage(f *testing.F) {
	f.Add([]byte{0x0a, 0xff})
	f.Add(nested(20))
	if b, err := proto.Marshal(&contactv1.CreateContactRequest{Contact: &contactv1.Contact{Kind: 1, DisplayName: "Ann"}}); err == nil {
		f.Add(b)
	}
	s := serve(f, &contacts{}, &views{}, nil)
	conn, ctx := s.dial(f), context.WithoutCancel(as(f, auth.Admin))
	f.Fuzz(func(t *testing.T, b []byte) {
		err := conn.Invoke(ctx, createContact, &rpc.Frame{Payload: b}, &rpc.Frame{}, grpc.ForceCodecV2(rpc.Codec()))
		if c := errs.Code(err); c != codes.OK && c != codes.InvalidArgument {
			t.Errorf("%x: got %v", b, err)
		}
	})
}
