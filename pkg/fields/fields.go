// Package fields carries the fields of a resource between its message and its
// row, for what many resources have in common: texts, references to other
// resources, money, times, and the fields that every resource has.
//
// A Reader goes through a message, brings each value into its stored form and
// collects all that is wrong, so that a caller learns it at once. What the
// contract itself says about a field's shape was checked before.
package fields

import (
	"errors"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"
	moneypb "google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/pkg/text"
)

// The limits of custom fields (row B23 of the catalogue of bad input).
const (
	MaxCustomBytes = 64 << 10
	MaxCustomDepth = 8
)

// Reader reads the fields of one message. Its zero value is ready.
type Reader struct {
	// In is where the message stands in the request, such as "ticket": the
	// violations name their fields from there.
	In string

	violations []errs.Violation
}

// Err answers all that was wrong, or nil.
func (r *Reader) Err() error { return errs.Check(r.violations) }

// Fail notes that a field is wrong. An empty reason stands for FIELD_INVALID.
func (r *Reader) Fail(field, reason, description string) {
	r.Add(errs.Violation{Field: field, Reason: reason, Description: description})
}

// Add notes violations whose fields are named from the message on.
func (r *Reader) Add(violations ...errs.Violation) {
	for _, v := range violations {
		if r.In != "" {
			v.Field = r.In + "." + v.Field
		}
		r.violations = append(r.violations, v)
	}
}

// Line reads a text of one line.
func (r *Reader) Line(field, value string) string {
	formed, err := text.Line(value)
	var wrong *text.Error
	if errors.As(err, &wrong) {
		r.Fail(field, wrong.Reason, wrong.Description)
	}
	return formed
}

// RequiredLine reads a text of one line that must hold more than white space.
func (r *Reader) RequiredLine(field, value string) string {
	before := len(r.violations)
	formed := r.Line(field, value)
	if len(r.violations) == before {
		r.required(field, formed)
	}
	return formed
}

// Words reads a text of several lines.
func (r *Reader) Words(value string) string { return norm.NFC.String(strings.TrimSpace(value)) }

// RequiredWords reads a text of several lines that must hold more than white
// space.
func (r *Reader) RequiredWords(field, value string) string {
	formed := r.Words(value)
	r.required(field, formed)
	return formed
}

func (r *Reader) required(field, formed string) {
	if formed == "" {
		r.Fail(field, "", "must not be empty")
	}
}

// Ref reads the name of a resource that must be given: "<collection>/{uuid}". Only
// the canonical spelling of a UUIDv7 is one.
func (r *Reader) Ref(field, collection, name string) uuid.UUID {
	segment, found := strings.CutPrefix(name, collection+"/")
	id, ok := entity.ParseID(segment)
	if !found || !ok {
		r.Fail(field, "", "must be "+collection+"/{uuid}")
		return uuid.Nil
	}
	return id
}

// ID reads the id that a client chose for a new resource; the zero id where it
// chose none.
func (r *Reader) ID(field, value string) uuid.UUID {
	if value == "" {
		return uuid.Nil
	}
	id, ok := entity.ParseID(value)
	if !ok {
		r.Fail(field, "", "must be a UUIDv7 in its canonical spelling")
		return uuid.Nil
	}
	return id
}

// Optional reads the name of a resource that may be given; nil where it is empty.
func (r *Reader) Optional(field, collection, name string) *uuid.UUID {
	if name == "" {
		return nil
	}
	id := r.Ref(field, collection, name)
	return &id
}

// Fixed reads a field that cannot change: it must be what it was, where it was
// anything.
func Fixed[T comparable](r *Reader, field string, was, is T) T {
	var zero T
	if was != zero && is != was {
		r.Fail(field, "FIELD_IMMUTABLE", "this field cannot change")
		return was
	}
	return is
}

// Amount reads an amount of money that is not negative; none is the zero value.
func (r *Reader) Amount(field string, p *moneypb.Money) money.Money {
	if p == nil {
		return money.Money{}
	}
	m := money.FromProto(p)
	r.Add(m.CheckAmount(field)...)
	return m
}

// Time reads a time; the zero time where there is none.
func (r *Reader) Time(field string, p *timestamppb.Timestamp) time.Time {
	if p == nil {
		return time.Time{}
	}
	if p.CheckValid() != nil {
		r.Fail(field, "", "must be a time between the years 1 and 9999")
		return time.Time{}
	}
	return p.AsTime().Truncate(time.Microsecond)
}

// Labelled is a message with the fields that every resource has.
type Labelled interface {
	GetExternalIds() map[string]string
	GetLabels() map[string]string
	GetCustomFields() *structpb.Struct
}

// Labels reads the fields that every resource has.
func (r *Reader) Labels(m *entity.Meta, p Labelled) {
	m.ExternalIDs = maps.Clone(p.GetExternalIds())
	m.Labels = maps.Clone(p.GetLabels())
	m.CustomFields = r.Object("custom_fields", p.GetCustomFields())
}

// Object reads a JSON object within the limits of custom fields.
func (r *Reader) Object(field string, p *structpb.Struct) map[string]any {
	switch {
	case proto.Size(p) > MaxCustomBytes:
		r.Fail(field, "", "is larger than 64 KiB")
	case depth(structpb.NewStructValue(p)) > MaxCustomDepth:
		r.Fail(field, "", "is more than 8 levels deep")
	default:
		return p.AsMap()
	}
	return nil
}

// depth counts the containers around the innermost value.
func depth(v *structpb.Value) int {
	deepest := 0
	switch kind := v.GetKind().(type) {
	case *structpb.Value_StructValue:
		for _, inner := range kind.StructValue.GetFields() {
			deepest = max(deepest, depth(inner))
		}
	case *structpb.Value_ListValue:
		for _, inner := range kind.ListValue.GetValues() {
			deepest = max(deepest, depth(inner))
		}
	default:
		return 0
	}
	return deepest + 1
}

// Index names one element of a repeated field, such as "contacts[2]".
func Index(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }

// Name answers the name of a resource that may be absent; empty where it is.
func Name(collection string, id *uuid.UUID) string {
	if id == nil {
		return ""
	}
	return collection + "/" + id.String()
}

// Timestamp answers the message of a time that may be absent; nil where it is.
func Timestamp(t *time.Time) *timestamppb.Timestamp {
	if t == nil {
		return nil
	}
	return timestamppb.New(*t)
}

// Struct answers the message of custom fields, nil where there are none. It fits
// values that Labels read, or that were read from JSON, and panics on others.
func Struct(custom map[string]any) *structpb.Struct {
	if len(custom) == 0 {
		return nil
	}
	s, err := structpb.NewStruct(custom)
	if err != nil {
		panic("fields: custom fields that never were JSON: " + err.Error())
	}
	return s
}
