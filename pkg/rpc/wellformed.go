package rpc

import (
	"math"
	"regexp"

	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

const (
	// maxStruct and maxStructDepth bound free-form objects.
	maxStruct      = 64 << 10
	maxStructDepth = 8
	nanosPerUnit   = 1_000_000_000
)

// wrong is one violation of the value that was looked at.
func wrong(reason, description string) []errs.Violation {
	return []errs.Violation{{Reason: reason, Description: description}}
}

func oneLine(v protoreflect.Value) []errs.Violation   { return checkText(v.String(), false) }
func manyLines(v protoreflect.Value) []errs.Violation { return checkText(v.String(), true) }

// checkText refuses characters that no store takes or that deceive a reader:
// controls (but TAB, LF and CR in a text of several lines), U+FEFF, U+FFFE and
// U+FFFF, and in a text of one line those that turn the direction of writing.
func checkText(s string, lines bool) []errs.Violation {
	for _, r := range s {
		switch {
		case r >= ' ' && r < 0x2000:
		case r < ' ' && !(lines && (r == '\t' || r == '\n' || r == '\r')):
			return wrong("INVALID_TEXT", "control characters are not allowed here")
		case r == 0xFEFF || r == 0xFFFE || r == 0xFFFF:
			return wrong("INVALID_TEXT", "the characters U+FEFF, U+FFFE and U+FFFF are not allowed")
		case !lines && (r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069):
			return wrong("INVALID_TEXT", "characters that turn the direction of writing are not allowed here")
		}
	}
	return nil
}

func checkEnum(values protoreflect.EnumValueDescriptors, n protoreflect.EnumNumber) []errs.Violation {
	if values.ByNumber(n) == nil {
		return wrong("", "this is not one of the values of the enum")
	}
	return nil
}

func checkFloat(v protoreflect.Value) []errs.Violation {
	if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
		return wrong("", "the number must be finite")
	}
	return nil
}

// specials look at well-known types as a whole.
var specials = map[protoreflect.FullName]func(protoreflect.Message) []errs.Violation{
	"google.protobuf.Timestamp": checkTimestamp,
	"google.protobuf.Duration":  checkDuration,
	"google.protobuf.Struct":    checkStruct,
	"google.type.Money":         checkMoney,
}

func checkTimestamp(m protoreflect.Message) []errs.Violation {
	if t, ok := m.Interface().(*timestamppb.Timestamp); ok && !t.IsValid() {
		return wrong("", "the time must be between the years 1 and 9999, and its nanos between 0 and 999,999,999")
	}
	return nil
}

func checkDuration(m protoreflect.Message) []errs.Violation {
	if d, ok := m.Interface().(*durationpb.Duration); ok && !d.IsValid() {
		return wrong("", "the duration must be within 10,000 years, its seconds and nanos of one sign")
	}
	return nil
}

var currency = regexp.MustCompile(`^[A-Z]{3}$`)

// checkMoney looks at the form alone; which currencies there are, and how fine
// an amount may be, is for pkg/money to say.
func checkMoney(m protoreflect.Message) []errs.Violation {
	v, ok := m.Interface().(*money.Money)
	if !ok {
		return nil
	}
	units, nanos := v.GetUnits(), v.GetNanos()
	switch {
	case !currency.MatchString(v.GetCurrencyCode()):
		return wrong("MONEY_INVALID", "the currency must be three capital letters of ISO 4217")
	case nanos <= -nanosPerUnit || nanos >= nanosPerUnit:
		return wrong("MONEY_INVALID", "the nanos must be between -999,999,999 and 999,999,999")
	case units > 0 && nanos < 0 || units < 0 && nanos > 0:
		return wrong("MONEY_INVALID", "the units and the nanos must have the same sign")
	default:
		return nil
	}
}

func checkStruct(m protoreflect.Message) []errs.Violation {
	s, ok := m.Interface().(*structpb.Struct)
	if !ok {
		return nil
	}
	if depthOf(s.GetFields(), 1) > maxStructDepth {
		return wrong("", "the object must not nest deeper than 8 levels")
	}
	if proto.Size(s) > maxStruct {
		return wrong("", "the object must not be larger than 64 KiB")
	}
	return nil
}

// depthOf answers how deep the fields nest, from the given level on. It looks no
// deeper than it must.
func depthOf(fields map[string]*structpb.Value, level int) int {
	deepest := level
	for _, v := range fields {
		deepest = max(deepest, depthOfValue(v, level))
	}
	return deepest
}

func depthOfValue(v *structpb.Value, level int) int {
	if level > maxStructDepth {
		return level
	}
	deepest := level
	switch k := v.GetKind().(type) {
	case *structpb.Value_StructValue:
		return depthOf(k.StructValue.GetFields(), level+1)
	case *structpb.Value_ListValue:
		deepest = level + 1
		for _, e := range k.ListValue.GetValues() {
			deepest = max(deepest, depthOfValue(e, level+1))
		}
	}
	return deepest
}
