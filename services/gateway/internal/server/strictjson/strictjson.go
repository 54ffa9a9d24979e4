// Package strictjson says what is wrong with a JSON body, all of it at once and
// by field, before it becomes a message.
//
// It refuses what protojson refuses, so that a body it lets pass is read without
// error, and more: numbers such as 1e3 for integers. protojson stops at the first
// mistake and echoes the value. Depth is bounded; size is the reader's affair.
// Values are never told back.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// MaxDepth is how deep objects and arrays may nest.
const MaxDepth = 64

// The reasons beside FIELD_INVALID.
const (
	Malformed = "JSON_INVALID"
	TooDeep   = "JSON_TOO_DEEP"
	Unknown   = "FIELD_UNKNOWN"
	Duplicate = "FIELD_DUPLICATE"
	BadText   = "INVALID_TEXT"
)

// Check answers what keeps a body from becoming the message. Prefix is where the
// message stands in the request, such as "contact"; empty for the request itself.
// An empty body has nothing wrong: it is the empty message.
func Check(body []byte, message protoreflect.MessageDescriptor, prefix string) []errs.Violation {
	switch string(bytes.TrimSpace(body)) {
	case "":
		return nil
	case "null":
		return []errs.Violation{{Field: prefix, Description: "must be an object"}}
	}
	if v := scan(body); v != nil {
		v.Field = prefix
		return []errs.Violation{*v}
	}
	c := &checker{decoder: json.NewDecoder(bytes.NewReader(body))}
	c.decoder.UseNumber()
	err := c.message(prefix, message)
	if err == nil {
		_, err = c.decoder.Token()
		switch {
		case errors.Is(err, io.EOF):
			err = nil
		case err == nil:
			err = errTail
		}
	}
	if err != nil {
		description := "the body is not valid JSON"
		if errors.Is(err, errTail) {
			description = "the body must be one JSON value"
		}
		return []errs.Violation{{Field: prefix, Reason: Malformed, Description: description}}
	}
	return c.violations
}

var errTail = errors.New("more than one value")

// scan looks at the bytes alone: their encoding, surrogates that have lost their
// half, and depth. encoding/json would mend the first two in silence.
func scan(body []byte) *errs.Violation {
	if !utf8.Valid(body) {
		return &errs.Violation{Reason: BadText, Description: "the body is not valid UTF-8"}
	}
	depth, inside := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inside && c == '\\':
			if loneSurrogate(body[i:]) {
				return &errs.Violation{Reason: BadText, Description: "the body has half of a surrogate pair"}
			}
			i++
			if i < len(body) && body[i] == 'u' {
				i += skipPair(body[i-1:])
			}
		case c == '"':
			inside = !inside
		case inside:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return &errs.Violation{Reason: TooDeep, Description: "the body nests deeper than 64 levels"}
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

// loneSurrogate says whether the escape at the beginning is one half of a pair
// without the other.
func loneSurrogate(escape []byte) bool {
	first, ok := unicodeEscape(escape)
	if !ok || first < 0xD800 || first > 0xDFFF {
		return false
	}
	if first >= 0xDC00 {
		return true
	}
	second, ok := unicodeEscape(escape[6:])
	return !ok || second < 0xDC00 || second > 0xDFFF
}

// skipPair answers how many bytes after its "u" belong to a well-formed escape,
// the second half of a pair included.
func skipPair(escape []byte) int {
	first, ok := unicodeEscape(escape)
	switch {
	case !ok:
		return 0
	case first >= 0xD800 && first <= 0xDBFF:
		return 10
	default:
		return 4
	}
}

// unicodeEscape reads \uXXXX.
func unicodeEscape(escape []byte) (rune, bool) {
	if len(escape) < 6 || escape[0] != '\\' || escape[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range escape[2:6] {
		r <<= 4
		switch {
		case c >= '0' && c <= '9':
			r |= rune(c - '0')
		case c >= 'a' && c <= 'f':
			r |= rune(c - 'a' + 10)
		case c >= 'A' && c <= 'F':
			r |= rune(c - 'A' + 10)
		default:
			return 0, false
		}
	}
	return r, true
}
