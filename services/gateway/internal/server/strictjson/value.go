package strictjson

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// integer is how a whole number is written. protojson takes 1e3 and 1.0 too.
var integer = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

// checkScalar answers what is wrong with the value of a field that is no message;
// empty where nothing is.
func checkScalar(raw json.RawMessage, field protoreflect.FieldDescriptor) string {
	switch field.Kind() {
	case protoreflect.BoolKind:
		return unless(string(raw) == "true" || string(raw) == "false", Wanted(field))
	case protoreflect.StringKind:
		return unless(raw[0] == '"', Wanted(field))
	case protoreflect.BytesKind:
		return unless(isBase64(raw), Wanted(field))
	case protoreflect.EnumKind:
		return checkEnum(raw, field.Enum())
	case protoreflect.FloatKind:
		return unless(isFloat(raw, 32), Wanted(field))
	case protoreflect.DoubleKind:
		return unless(isFloat(raw, 64), Wanted(field))
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return checkInteger(raw, signed(32))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return checkInteger(raw, signed(64))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return checkInteger(raw, unsigned(32))
	default:
		return checkInteger(raw, unsigned(64))
	}
}

func unless(ok bool, wrong string) string {
	if ok {
		return ""
	}
	return wrong
}

func signed(bits int) func(string) error {
	return func(s string) error { _, err := strconv.ParseInt(s, 10, bits); return err }
}

func unsigned(bits int) func(string) error {
	return func(s string) error { _, err := strconv.ParseUint(s, 10, bits); return err }
}

func checkInteger(raw json.RawMessage, parse func(string) error) string {
	digits := strings.Trim(string(raw), `"`)
	if !integer.MatchString(digits) {
		return "must be an integer"
	}
	return unless(parse(digits) == nil, "is out of range")
}

func isFloat(raw json.RawMessage, bits int) bool {
	text := strings.Trim(string(raw), `"`)
	switch text {
	case "NaN", "Infinity", "-Infinity":
		return raw[0] == '"'
	}
	if !json.Valid([]byte(text)) || strings.ContainsAny(text, "{[tfn") {
		return false
	}
	_, err := strconv.ParseFloat(text, bits)
	return err == nil
}

func isBase64(raw json.RawMessage) bool {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return false
	}
	text = strings.TrimRight(text, "=")
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	_, err := encoding.DecodeString(text)
	return err == nil
}

// checkEnum takes the name of a value, or its number.
func checkEnum(raw json.RawMessage, enum protoreflect.EnumDescriptor) string {
	if raw[0] == '"' {
		var name string
		known := json.Unmarshal(raw, &name) == nil && enum.Values().ByName(protoreflect.Name(name)) != nil
		return unless(known, oneOf(enum))
	}
	number, err := strconv.ParseInt(string(raw), 10, 32)
	if err != nil || !integer.Match(raw) {
		return oneOf(enum)
	}
	return unless(enum.Values().ByNumber(protoreflect.EnumNumber(number)) != nil, oneOf(enum))
}

// oneOf names the values of an enum, without the first, which stands for none.
func oneOf(enum protoreflect.EnumDescriptor) string {
	var names []string
	for i := 1; i < enum.Values().Len(); i++ {
		names = append(names, string(enum.Values().Get(i).Name()))
	}
	return "must be one of " + strings.Join(names, ", ")
}

// Wanted says how a value of a field is written, or one of its elements.
func Wanted(field protoreflect.FieldDescriptor) string {
	switch field.Kind() {
	case protoreflect.BoolKind:
		return "must be true or false"
	case protoreflect.StringKind:
		return "must be a string"
	case protoreflect.BytesKind:
		return "must be a string in base64"
	case protoreflect.EnumKind:
		return oneOf(field.Enum())
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return "must be a number"
	case protoreflect.MessageKind, protoreflect.GroupKind:
		if wrong, ok := known[field.Message().Name()]; ok && leaf(field.Message()) {
			return wrong
		}
		return otherType
	}
	return "must be an integer within range"
}

// leaf says whether a message is written otherwise than as an object of its
// fields.
func leaf(message protoreflect.MessageDescriptor) bool {
	return message.ParentFile().Package() == "google.protobuf"
}

// otherType is said of a value of which no more is known.
const otherType = "has another type"

// known words what each well-known type must look like.
var known = map[protoreflect.Name]string{
	"Timestamp": `must be a time such as "2026-11-21T08:00:00Z"`,
	"Duration":  `must be a duration such as "3.5s"`,
	"FieldMask": `must be names of fields such as "displayName,labels"`,
	"Struct":    "must be an object without a key given twice",
	"Any":       `must be an object with an "@type" that is known`,
}

// checkKnown asks protojson, which alone knows how each type is written.
func checkKnown(raw json.RawMessage, message protoreflect.MessageDescriptor) string {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(message.FullName())
	if err == nil {
		err = protojson.Unmarshal(raw, kind.New().Interface())
	}
	if err == nil {
		return ""
	}
	if wrong, ok := known[message.Name()]; ok {
		return wrong
	}
	return otherType
}
