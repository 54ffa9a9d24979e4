package badinput

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/internal/fuzz"
)

// fieldRow is a row of the catalogue about one field.
type fieldRow struct {
	id, input string
	reason    string
	// fits says whether the row is about such a field.
	fits func(f protoreflect.FieldDescriptor, rules *validate.FieldRules) bool
	// value is what the field, or an element of it, is given.
	value  func(f protoreflect.FieldDescriptor, rules *validate.FieldRules) protoreflect.Value
	traits trait
}

// trait is what is special about a row.
type trait uint

const (
	// inside: the service finds it, and not the rules of the contract; in a batch, the
	// one that is wrong fails alone.
	inside trait = 1 << iota
	// unspelt: JSON has no way to write the value, so it is for gRPC alone.
	unspelt
)

func (r fieldRow) is(t trait) bool { return r.traits&t != 0 }

func always(v protoreflect.Value) func(protoreflect.FieldDescriptor, *validate.FieldRules) protoreflect.Value {
	return func(protoreflect.FieldDescriptor, *validate.FieldRules) protoreflect.Value { return v }
}

func text(s string) func(protoreflect.FieldDescriptor, *validate.FieldRules) protoreflect.Value {
	return always(protoreflect.ValueOfString(s))
}

func message(m proto.Message) func(protoreflect.FieldDescriptor, *validate.FieldRules) protoreflect.Value {
	return always(protoreflect.ValueOfMessage(m.ProtoReflect()))
}

func anyText(f protoreflect.FieldDescriptor, _ *validate.FieldRules) bool {
	return f.Kind() == protoreflect.StringKind && !f.IsMap()
}

// oneLine are texts with a length below 1,000: names, titles, identifiers.
func oneLine(f protoreflect.FieldDescriptor, rules *validate.FieldRules) bool {
	r := rules.GetString()
	if f.IsList() {
		r = rules.GetRepeated().GetItems().GetString()
	}
	return anyText(f, rules) && (r.GetMaxLen() > 0 && r.GetMaxLen() < 1000 || r.GetMaxBytes() > 0 && r.GetMaxBytes() < 1000)
}

func bounded(f protoreflect.FieldDescriptor, rules *validate.FieldRules) bool {
	return anyText(f, rules) && !f.IsList() && (rules.GetString().GetMaxLen() > 0 || rules.GetString().GetMaxBytes() > 0)
}

func tooLong(c string) func(protoreflect.FieldDescriptor, *validate.FieldRules) protoreflect.Value {
	return func(_ protoreflect.FieldDescriptor, rules *validate.FieldRules) protoreflect.Value {
		longest := rules.GetString().GetMaxLen()
		if longest == 0 {
			longest = rules.GetString().GetMaxBytes() / uint64(len(c))
		}
		return protoreflect.ValueOfString(strings.Repeat(c, int(longest)+1))
	}
}

func enum(f protoreflect.FieldDescriptor, _ *validate.FieldRules) bool {
	return f.Enum() != nil && !f.IsMap()
}

// neededText are texts that must not be empty.
func neededText(f protoreflect.FieldDescriptor, rules *validate.FieldRules) bool {
	return anyText(f, rules) && !f.IsList() && rules.GetString().GetMinLen() > 0 && rules.GetIgnore() == validate.Ignore_IGNORE_UNSPECIFIED
}

// chosen are enums of which one must be given.
func chosen(f protoreflect.FieldDescriptor, rules *validate.FieldRules) bool {
	for _, n := range rules.GetEnum().GetNotIn() {
		if n == 0 {
			return enum(f, rules) && !f.IsList()
		}
	}
	return false
}

func of(name protoreflect.FullName) func(protoreflect.FieldDescriptor, *validate.FieldRules) bool {
	return func(f protoreflect.FieldDescriptor, _ *validate.FieldRules) bool {
		return f.Message() != nil && !f.IsMap() && f.Message().FullName() == name
	}
}

func named(names ...protoreflect.Name) func(protoreflect.FieldDescriptor, *validate.FieldRules) bool {
	return func(f protoreflect.FieldDescriptor, rules *validate.FieldRules) bool {
		for _, name := range names {
			if f.Name() == name && anyText(f, rules) {
				return true
			}
		}
		return false
	}
}

func nested(depth int) *structpb.Struct {
	s := &structpb.Struct{Fields: map[string]*structpb.Value{"x": structpb.NewBoolValue(true)}}
	for range depth - 1 {
		s = &structpb.Struct{Fields: map[string]*structpb.Value{"x": structpb.NewStructValue(s)}}
	}
	return s
}

const (
	badText = "INVALID_TEXT"
	invalid = "FIELD_INVALID"
	badSum  = "MONEY_INVALID"

	timestampType = "google.protobuf.Timestamp"
	structType    = "google.protobuf.Struct"
	moneyType     = "google.type.Money"
	dateType      = "google.type.Date"
)

func sum(currency string, units int64, nanos int32) proto.Message {
	return &money.Money{CurrencyCode: currency, Units: units, Nanos: nanos}
}

// fieldRows are tried on every field of every request that they fit.
var fieldRows = []fieldRow{
	{"B06", "NUL", badText, anyText, text("a\x00b"), 0},
	{"B06", "a control character", badText, anyText, text("a\x1bb"), 0},
	{"B06", "U+FFFE", badText, anyText, text("a\ufffeb"), 0},
	{"B06", "a byte order mark inside", badText, anyText, text("a\ufeffb"), 0},
	{"B06", "a line feed in a line", badText, oneLine, text("a\nb"), 0},
	{"B07", "a right-to-left override", badText, oneLine, text("a\u202eb"), 0},
	{"B07", "one character too many", invalid, bounded, tooLong("x"), 0},
	{"B07", "letters of four bytes, one too many", invalid, bounded, tooLong("\U0001F600"), 0},
	{"B22", "a number that is no value", invalid, enum, always(protoreflect.ValueOfEnum(9999)), 0},
	{"B02", "no text where one is needed", invalid, neededText, text(""), 0},
	{"B22", "no value where one is needed", invalid, chosen, always(protoreflect.ValueOfEnum(0)), 0},
	{"B17", "nanos of 10^9", badSum, of(moneyType), message(sum("IDR", 1, 1_000_000_000)), 0},
	{"B17", "units and nanos of two signs", badSum, of(moneyType), message(sum("IDR", 1, -1)), 0},
	{"B17", "no currency", badSum, of(moneyType), message(sum("", 1, 0)), 0},
	{"B18", "a currency in small letters", badSum, of(moneyType), message(sum("idr", 1, 0)), 0},
	{"B18", "a currency that is none", badSum, of(moneyType), message(sum("XXX", 1, 0)), inside},
	{"B19", "NaN in an object", invalid, of(structType), message(&structpb.Struct{Fields: map[string]*structpb.Value{"x": structpb.NewNumberValue(math.NaN())}}), unspelt},
	{"B20", "a time before the year 1", invalid, of(timestampType), message(&timestamppb.Timestamp{Seconds: -62135596801}), unspelt},
	{"B20", "a time after the year 9999", invalid, of(timestampType), message(&timestamppb.Timestamp{Seconds: 253402300800}), unspelt},
	{"B20", "nanos of 10^9 in a time", invalid, of(timestampType), message(&timestamppb.Timestamp{Nanos: 1_000_000_000}), unspelt},
	{"B20", "a month too many", invalid, of(dateType), message(&date.Date{Year: 2026, Month: 13, Day: 1}), inside},
	{"B20", "30 February", invalid, of(dateType), message(&date.Date{Year: 2026, Month: 2, Day: 30}), inside},
	{"B20", "a zone that only files know", "", named("time_zone"), text("posixrules"), inside},
	{"B20", "a zone with a quote", "", named("time_zone"), text("Asia/Jakarta'; --"), inside},
	{"B23", "an object of nine levels", invalid, of(structType), message(nested(9)), 0},
	{"B23", "an object of 65 KiB", invalid, of(structType), message(&structpb.Struct{Fields: map[string]*structpb.Value{"x": structpb.NewStringValue(strings.Repeat("x", 65<<10))}}), 0},
}

// testFields tries each row on every field that it fits: over gRPC each, over REST
// the fields of a method with one of the rows in turn.
func testFields(t *testing.T, d *desk) {
	before := d.state(t.Context(), t)
	for n, row := range fieldRows {
		for _, transport := range []string{testkit.GRPC, testkit.OverREST} {
			if transport == testkit.OverREST && row.is(unspelt) {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s/%s", row.id, row.input, transport), func(t *testing.T) {
				testkit.Prove(t, transport, row.id)
				if d.tryRow(t, row, n, transport) == 0 {
					t.Error("the row is tried on no field, so it shows nothing")
				}
			})
		}
	}
	if after := d.state(t.Context(), t); after != before {
		t.Errorf("what was refused left something behind:\n%s\n%s", before, after)
	}
}

// unwritten says whether an update with such a field is refused for another reason,
// or leaves the field as it is.
func (r fieldRow) unwritten(p place) bool {
	return strings.HasSuffix(r.input, "where one is needed") || r.is(inside) && slices.ContainsFunc(p, immutable)
}

// everyREST is of how many that are alike one is tried over REST.
const everyREST = 4

// skips says whether the row is not tried on a further field over REST: on most
// texts.
func (r fieldRow) skips(p place, turn int) bool {
	return p.last().Kind() == protoreflect.StringKind && turn%everyREST != 0
}

// tryRow chooses the places of a row first, because over REST those of one method depend
// on those before.
func (d *desk) tryRow(t *testing.T, row fieldRow, n int, transport string) int {
	at, found := map[string][]place{}, 0
	for _, m := range d.methods {
		for i, p := range places(m) {
			if !row.fits(p.last(), rulesOf(p)) || m.Standard("Update") && row.unwritten(p) || row.is(inside) && strings.HasPrefix(m.Name(), "Batch") || transport == testkit.OverREST && (inPath(m, p) || found > 0 && row.skips(p, i+n)) {
				continue
			}
			if row.is(inside) && d.base.Unfit(t.Context(), m) {
				continue // the service refuses it before it looks at the field
			}
			at[m.Full] = append(at[m.Full], p)
			found++
		}
	}
	return d.each(func(m fuzz.Method) int { return d.tryPlaces(t, transport, m, at[m.Full], row) })
}

// tryPlaces tries a row on places of one method, and answers on how many. What the rules
// of the contract find, they find in several places of one request: only a place that the
// answer does not name is tried alone.
func (d *desk) tryPlaces(t *testing.T, transport string, m fuzz.Method, at []place, row fieldRow) (tried int) {
	t.Helper()
	for _, together := range apart(at) {
		rest := together
		if !row.is(inside) && len(together) > 1 {
			rest = d.unnamed(t, transport, m, together, row)
			tried += len(together) - len(rest)
		}
		for _, p := range rest {
			if request, a, sent := d.tryField(t, transport, m, p, row); sent {
				tried++
				if row.id == "B18" && a.Status.Code() == codes.FailedPrecondition {
					continue // as the row says: it does not go with the others
				}
				want{codes.InvalidArgument, row.reason, p.path()}.check(t, p.in(m), a, request)
			}
		}
	}
	return tried
}

// unnamed sends one request with the row's value in each of the places, and answers those
// that are not among the violations, with the row's reason.
func (d *desk) unnamed(t *testing.T, transport string, m fuzz.Method, together []place, row fieldRow) []place {
	t.Helper()
	request := d.baseline(t, m)
	for _, p := range together {
		d.spoil(m, request, p, row)
	}
	a, sent := d.call(t, transport, m, request)
	if !sent || a.Status.Code() != codes.InvalidArgument {
		return together
	}
	if wrong := (fuzz.Judge{}).Wrong(a); wrong != "" {
		t.Errorf("%s: %s", m.Name(), wrong)
	}
	found := errs.FieldViolations(a.Status.Err())
	return slices.DeleteFunc(slices.Clone(together), func(p place) bool { return want{reason: row.reason, field: p.path()}.names(found) })
}

// tryField sends a request with the row's value in a field. What is made up around the
// field may name what does not exist: then it is made up anew.
func (d *desk) tryField(t *testing.T, transport string, m fuzz.Method, p place, row fieldRow) (request proto.Message, a fuzz.Answer, sent bool) {
	for range attempts {
		request = d.baseline(t, m)
		d.spoil(m, request, p, row)
		if a, sent = d.call(t, transport, m, request); !sent || a.Status.Code() != codes.NotFound {
			break
		}
	}
	return request, a, sent
}

// spoil puts the row's value into a place of a request.
func (d *desk) spoil(m fuzz.Method, request proto.Message, p place, row fieldRow) {
	in, value := d.base.Reach(m, request, p), row.value(p.last(), rulesOf(p))
	if p.last().IsList() {
		in.Mutable(p.last()).List().Append(value)
		in.Mutable(p.last()).List().Set(0, value)
		return
	}
	in.Set(p.last(), value)
}

// inPath says whether a field travels in the path over REST, where a wrong name is
// a wrong path.
func inPath(m fuzz.Method, p place) bool {
	for _, b := range m.Bindings {
		for _, v := range b.Path.Variables() {
			if v == p.path() {
				return true
			}
		}
	}
	return false
}
