package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/genproto/googleapis/type/decimal"
	moneypb "google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/money"
)

// longText is the length from which on a text may have several lines.
const longText = 1000

// form brings what a message of typed content says into its form, as far as its types
// and its contract tell what that is: texts, references to contacts, days, amounts of
// money, and periods, which do not end before they begin. What is wrong is noted with
// its path below prefix.
func form(r *fields.Reader, prefix string, m protoreflect.Message) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		path := prefix + string(fd.Name())
		if fd.IsList() {
			list := v.List()
			for i := range list.Len() {
				list.Set(i, formed(r, fields.Index(path, i), fd, list.Get(i)))
			}
			return true
		}
		m.Set(fd, formed(r, path, fd, v))
		return true
	})
	start, end := dayOf(m, "start_date"), dayOf(m, "end_date")
	if start != "" && end != "" && end < start {
		r.Fail(prefix+"end_date", "", "lies before start_date")
	}
}

func formed(r *fields.Reader, path string, fd protoreflect.FieldDescriptor, v protoreflect.Value) protoreflect.Value {
	switch {
	case fd.Kind() == protoreflect.StringKind:
		return protoreflect.ValueOfString(formedText(r, path, fd, v.String()))
	case fd.Message() == nil:
		return v
	}
	switch content := v.Message().Interface().(type) {
	case *date.Date:
		day(r, path, content)
	case *moneypb.Money:
		checkMoney(r, path, content)
	case *decimal.Decimal:
		if _, err := money.ParseDecimal(content.GetValue()); err != nil {
			r.Fail(path+".value", "", err.Error())
		}
	default:
		form(r, path+".", v.Message())
	}
	return v
}

func formedText(r *fields.Reader, path string, fd protoreflect.FieldDescriptor, text string) string {
	reference, _ := proto.GetExtension(fd.Options(), annotations.E_ResourceReference).(*annotations.ResourceReference)
	rules, _ := proto.GetExtension(fd.Options(), validate.E_Field).(*validate.FieldRules)
	switch {
	case reference.GetType() == "lingkar.dev/Contact":
		return fields.Name(contacts, r.Optional(path, contacts, text))
	case rules.GetString().GetMaxLen() >= longText:
		return r.Words(text)
	case rules.GetString().GetMinLen() > 0:
		return r.RequiredLine(path, text)
	default:
		return r.Line(path, text)
	}
}

// checkMoney refuses what is no amount in its currency; one below zero is not refused.
func checkMoney(r *fields.Reader, path string, p *moneypb.Money) {
	above := proto.CloneOf(p)
	above.Units, above.Nanos = abs(p.GetUnits()), abs(p.GetNanos())
	r.Amount(path, above)
}

func abs[N int32 | int64](n N) N { return max(n, -n) }

// day reads a whole date, as "2026-11-22"; empty where there is none.
func day(r *fields.Reader, path string, p *date.Date) string {
	if p == nil {
		return ""
	}
	t := time.Date(int(p.GetYear()), time.Month(p.GetMonth()), int(p.GetDay()), 0, 0, 0, 0, time.UTC)
	if p.GetYear() < 1 || p.GetYear() > 9999 || t.Day() != int(p.GetDay()) || t.Month() != time.Month(p.GetMonth()) {
		r.Fail(path, "", "is no day of the calendar")
		return ""
	}
	return t.Format(time.DateOnly)
}

// dayProto words what day read; nil for an empty one.
func dayProto(day string) *date.Date {
	if day == "" {
		return nil
	}
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(fmt.Sprintf("store: a stored day is none: %v", err))
	}
	return &date.Date{Year: int32(t.Year()), Month: int32(t.Month()), Day: int32(t.Day())}
}

// dayOf answers the day in the field of a message, to be compared; empty where the
// message has no such field or no day in it.
func dayOf(m protoreflect.Message, name protoreflect.Name) string {
	fd := m.Descriptor().Fields().ByName(name)
	if fd == nil || !m.Has(fd) {
		return ""
	}
	d, ok := m.Get(fd).Message().Interface().(*date.Date)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.GetYear(), d.GetMonth(), d.GetDay())
}

// contentOf answers the field of a message's oneof that is set, in lower snake case and
// as JSON; none where nothing is.
func contentOf(m proto.Message, oneof protoreflect.Name) (field string, content json.RawMessage) {
	reflected := m.ProtoReflect()
	fd := reflected.WhichOneof(reflected.Descriptor().Oneofs().ByName(oneof))
	if fd == nil {
		return "", json.RawMessage("{}")
	}
	text, err := protojson.Marshal(reflected.Get(fd).Message().Interface())
	if err != nil {
		panic(fmt.Sprintf("store: content that was checked is no JSON: %v", err))
	}
	return string(fd.Name()), text
}

// putContent writes content that contentOf answered into the message. The content of
// an erased contact is none.
func putContent(m proto.Message, field string, content json.RawMessage) {
	fd := m.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(field))
	if fd == nil || len(content) == 0 || strings.TrimSpace(string(content)) == "null" {
		return
	}
	value := m.ProtoReflect().NewField(fd)
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(content, value.Message().Interface()); err != nil {
		panic(fmt.Sprintf("store: stored content is no %s: %v", fd.Message().FullName(), err))
	}
	m.ProtoReflect().Set(fd, value)
}
