package fuzz

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// hints are values of fields whose form the contract says in words.
var hints = map[protoreflect.Name][]string{
	"currency_code":      {"IDR", "IDR", "USD", "JPY"},
	"from_currency_code": {"USD", "EUR", "JPY"},
	"to_currency_code":   {"IDR"},
	"region_code":        {"ID", "NL", "JP"},
	"language_code":      {"id", "en-GB", "zh-Hant"},
	"time_zone":          {"Asia/Jakarta", "UTC", "Europe/Amsterdam"},
	"asset":              {""},
	"owner":              {"users/ani", "users/budi"},
	"email":              {"ani@example.com", "budi@example.org", "siti@example.id"},
	"phone":              {"+628123456789", "+31205551234", "0812 345 6790"},
	"value":              {"ani@example.com", "+628123456789", "4111-22", "device-7", "https://example.com/ani"},
	"url":                {"https://crm.example.com/events", "https://crm.example.com:8443/?a=b"},
	"event_types":        {"lingkar.contact.v1.ContactCreated", "lingkar.sales.v1.OrderConfirmed", "lingkar.ticket.v1.TicketOpened"},
	"ip_address":         {"192.0.2.1", "2001:db8::1"},
	"hours":              {"08:00-17:00", ""},
	"delimiter":          {",", ";"},
	"min_position":       {"", "", "x"},
	"encoding":           {"utf-8", ""},
	"types":              {"lingkar.contact.v1.ContactCreated", "lingkar.sales.v1.OrderConfirmed"},
	"areas":              {"contact", "sales", "ticket", "campaign"},
	"header":             {"name", "email"},
	"kind":               {"contact", "contact", "interaction"},
	"condition":          {"", "true", `contact.region_code == "ID"`, `contact.labels["a"] == "b"`},
	"action":             {"set_owner", "set_owner", "notify"},
	"since":              {"", "create_time"},
	"filter": {
		"", "", `create_time > "2020-01-01T00:00:00Z"`, `owner = "users/ani"`, `labels.a = "b"`, `external_ids:erp`,
		`update_time >= "2024-01-01T00:00:00Z" AND owner != "users/ani"`, `NOT owner = "users/ani"`, `source = "a" OR team = "b"`,
	},
	"order_by": {"", "create_time", "create_time desc", "update_time desc", "name"},
	// A view is of one kind of records, and known to the gateway alone.
	"saved_view": {""},
	"query":      {"ani", "coffee machine", `"exact words" -without`, "a b c d e"},
	"required_fields": {
		"amount", "close_date",
	},
}

// wellKnown makes messages whose fields mean something together only.
var wellKnown = map[protoreflect.FullName]func(*Generator, protoreflect.Message, protoreflect.FieldDescriptor){
	"google.protobuf.Timestamp": func(g *Generator, m protoreflect.Message, f protoreflect.FieldDescriptor) {
		hours := g.Rand.IntN(24 * 365)
		if strings.HasPrefix(string(f.Name()), "expire") || strings.HasPrefix(string(f.Name()), "end") {
			hours = -hours
		}
		merge(m, timestamppb.New(time.Now().Add(-time.Duration(hours)*time.Hour).Truncate(time.Second)))
	},
	"google.protobuf.Duration": func(g *Generator, m protoreflect.Message, _ protoreflect.FieldDescriptor) {
		merge(m, durationpb.New(time.Duration(g.Rand.IntN(1000))*time.Second))
	},
	"google.protobuf.FieldMask": (*Generator).mask,
	"google.protobuf.Struct": func(g *Generator, m protoreflect.Message, _ protoreflect.FieldDescriptor) {
		merge(m, &structpb.Struct{Fields: map[string]*structpb.Value{
			g.word():  structpb.NewStringValue(g.words(20)),
			"level":   structpb.NewNumberValue(float64(g.Rand.IntN(100))),
			"members": structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{structpb.NewBoolValue(true), structpb.NewNullValue()}}),
		}})
	},
	"google.type.Money": func(g *Generator, m protoreflect.Message, _ protoreflect.FieldDescriptor) {
		setText(m, "currency_code", "IDR")
		m.Set(m.Descriptor().Fields().ByName("units"), protoreflect.ValueOfInt64(int64(1+g.Rand.IntN(10_000_000))))
	},
	"google.type.Decimal": func(g *Generator, m protoreflect.Message, _ protoreflect.FieldDescriptor) {
		setText(m, "value", []string{"1", "2", "12", "0.5"}[g.Rand.IntN(4)])
	},
	"google.type.Date": func(g *Generator, m protoreflect.Message, _ protoreflect.FieldDescriptor) {
		for name, value := range map[protoreflect.Name]int{"year": 2010 + g.Rand.IntN(15), "month": 1 + g.Rand.IntN(12), "day": 1 + g.Rand.IntN(28)} {
			m.Set(m.Descriptor().Fields().ByName(name), protoreflect.ValueOfInt32(int32(value)))
		}
	},
}

func merge(m protoreflect.Message, from proto.Message) { proto.Merge(m.Interface(), from) }

func setText(m protoreflect.Message, field protoreflect.Name, value string) {
	m.Set(m.Descriptor().Fields().ByName(field), protoreflect.ValueOfString(value))
}

// mask names fields of the resource that an update writes or that an answer holds.
func (g *Generator) mask(m protoreflect.Message, f protoreflect.FieldDescriptor) {
	of := g.method.Desc.Output()
	if resource := g.method.Resource(); f.Name() == "update_mask" && resource != nil {
		of = resource.Message()
	}
	mask := &fieldmaskpb.FieldMask{}
	for range 1 + g.Rand.IntN(3) {
		mask.Paths = append(mask.Paths, string(of.Fields().Get(g.Rand.IntN(of.Fields().Len())).Name()))
	}
	if g.chance(0.1) {
		mask.Paths = []string{"*"}
	}
	merge(m, mask)
}

// scalar makes a value of a field, or of an element of it.
func (g *Generator) scalar(f protoreflect.FieldDescriptor, rules *validate.FieldRules, at string) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(g.text(f, rules.GetString(), at))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte("name,email\n" + g.words(20) + ",ani@example.com\n"))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(g.chance(0.5))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(g.enum(f, rules.GetEnum()))
	case protoreflect.Int32Kind:
		low, high := int(rules.GetInt32().GetGte()), int(rules.GetInt32().GetLte())
		if high <= low {
			high = low + 10
		}
		return protoreflect.ValueOfInt32(int32(low + g.Rand.IntN(high-low+1)))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(int64(g.Rand.IntN(1000)))
	case protoreflect.DoubleKind:
		low, high := rules.GetDouble().GetGte(), rules.GetDouble().GetLte()
		if high <= low {
			high = low + 100
		}
		return protoreflect.ValueOfFloat64(low + math.Round(g.Rand.Float64()*(high-low)))
	default:
		return f.Default()
	}
}

// enum picks a value that is defined and not forbidden, seldom none.
func (g *Generator) enum(f protoreflect.FieldDescriptor, rules *validate.EnumRules) protoreflect.EnumNumber {
	values := f.Enum().Values()
	n := values.Get(g.Rand.IntN(values.Len())).Number()
	for _, not := range rules.GetNotIn() {
		if int32(n) == not && values.Len() > 1 {
			return values.Get(1 + g.Rand.IntN(values.Len()-1)).Number()
		}
	}
	return n
}

// text makes the value of a string field.
func (g *Generator) text(f protoreflect.FieldDescriptor, rules *validate.StringRules, at string) string {
	name := f.Name()
	if patterns := g.referred(f, at); len(patterns) > 0 {
		if g.resource != "" && (name == "name" || name == "parent") {
			return g.resource
		}
		return g.Pool.name(g.Rand, patterns[g.Rand.IntN(len(patterns))])
	}
	switch {
	case name == "etag":
		return g.Pool.etag(g.Rand, g.resource)
	case name == "request_id":
		return uuid.NewString()
	case strings.HasSuffix(string(name), "_id") && f.ContainingMessage() == g.method.Desc.Input() && f.ContainingOneof() == nil:
		return uuid.Must(uuid.NewV7()).String()
	case len(rules.GetIn()) > 0:
		return rules.GetIn()[g.Rand.IntN(len(rules.GetIn()))]
	}
	if known := hints[name]; len(known) > 0 && g.chance(0.97) {
		return known[g.Rand.IntN(len(known))]
	}
	if known, ok := g.Pool.value(g.Rand, name); ok && g.Mark == "" && g.chance(repeated(name)) {
		return known
	}
	if rules.GetPattern() != "" {
		made := match(g.Rand, rules.GetPattern())
		for range attempts {
			if made == "" && behaves(f, annotations.FieldBehavior_REQUIRED) {
				made = match(g.Rand, rules.GetPattern())
			}
		}
		return made
	}
	return g.bounded(rules)
}

// repeated is how likely a field repeats what an answer held: always where nothing
// else makes sense.
func repeated(name protoreflect.Name) float64 {
	switch name {
	case "stage", "page_token", "cursor", "customer_id", "min_position":
		return 0.9
	case "code", "subject":
		return 0.02
	default:
		return 0.2
	}
}

func (g *Generator) bounded(rules *validate.StringRules) string {
	longest := 40
	if rules.GetMaxLen() > 0 {
		longest = min(longest, int(rules.GetMaxLen()))
	}
	text := g.words(longest)
	for len(text) < int(rules.GetMinLen()) {
		text += "x"
	}
	return text
}

// syllables make words that no rule of ours looks for.
var syllables = strings.Fields("ka lo mi ren tu sa ber jo wi na pe gu")

func (g *Generator) word() string {
	var b strings.Builder
	for range 2 + g.Rand.IntN(3) {
		b.WriteString(syllables[g.Rand.IntN(len(syllables))])
	}
	return b.String()
}

// words makes a text of at most so many characters, with the mark where it fits.
func (g *Generator) words(longest int) string {
	text := g.word()
	if g.Mark != "" {
		text = g.Mark + " " + text
	}
	text = fmt.Sprintf("%s %s %d", text, g.word(), g.Rand.IntN(1_000_000))
	return strings.TrimSpace(text[:min(len(text), longest)])
}

func matchesEmpty(pattern string) bool {
	compiled, err := regexp.Compile(pattern)
	return err != nil || compiled.MatchString("")
}
