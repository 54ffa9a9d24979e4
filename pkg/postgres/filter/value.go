package filter

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

var (
	decimal    = regexp.MustCompile(`^-?\d{1,28}(\.\d{1,20})?$`)
	collection = regexp.MustCompile(`^[a-z][A-Za-z]{0,40}$`)
)

// parse answers the value of a literal, the SQL type it is sent as, or what is
// wrong with it.
func (f Field) parse(v literal) (value any, cast, problem string) {
	switch f.Type {
	case Text:
		if f.Fold != nil {
			return f.Fold(v.text), "text", ""
		}
		return v.text, "text", ""
	case Int:
		n, err := strconv.ParseInt(v.text, 10, 64)
		return n, "bigint", unless(err == nil && !v.quoted, "expected an integer")
	case Bool:
		return v.text == "true", "boolean", unless(!v.quoted && (v.text == "true" || v.text == "false"), "expected true or false")
	case Time:
		t, err := time.Parse(time.RFC3339Nano, v.text)
		// A zone may carry the time out of what PostgreSQL and protobuf hold.
		ok := err == nil && t.UTC().Year() >= 1 && t.UTC().Year() <= 9999
		return t, "timestamptz", unless(ok, `expected a time such as "2026-01-31T09:00:00Z"`)
	case Date:
		t, err := time.Parse(time.DateOnly, v.text)
		return t, "date", unless(err == nil && t.Year() >= 1, `expected a date such as "2026-01-31"`)
	case UUID:
		id, ok := parseID(v.text)
		return id, "uuid", unless(ok, "expected a resource name or a UUID")
	case Enum:
		n, ok := f.Values[v.text]
		return n, "integer", unless(ok, "not a value of this field")
	case Decimal:
		return v.text, "numeric", unless(!v.quoted && decimal.MatchString(v.text), "expected a number")
	default:
		return nil, "", "this field cannot be compared"
	}
}

func unless(ok bool, problem string) string {
	if ok {
		return ""
	}
	return problem
}

// parseID reads a UUID, or a resource name that ends in one.
func parseID(text string) ([16]byte, bool) {
	if parent, id, ok := strings.Cut(text, "/"); ok {
		if !collection.MatchString(parent) {
			return [16]byte{}, false
		}
		text = id
	}
	if len(text) != 36 {
		return [16]byte{}, false
	}
	id, err := uuid.Parse(text)
	return id, err == nil
}
