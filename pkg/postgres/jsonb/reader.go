package jsonb

import (
	"encoding/json"
	"unicode/utf8"
)

// reader walks over JSON that is known to be well-formed.
type reader struct {
	text []byte
	at   int
}

// peek answers the first byte of what comes next, or 0 at the end.
func (r *reader) peek() byte {
	for r.at < len(r.text) {
		switch c := r.text[r.at]; c {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return c
		}
	}
	return 0
}

// take steps over the byte if it comes next.
func (r *reader) take(c byte) bool {
	if r.peek() != c {
		return false
	}
	r.at++
	return true
}

func (r *reader) ended() bool { return r.peek() == 0 }

// literal steps over true, false or null if it comes next.
func (r *reader) literal(word string) bool {
	r.peek()
	if end := r.at + len(word); end <= len(r.text) && string(r.text[r.at:end]) == word {
		r.at = end
		return true
	}
	return false
}

// number answers the number that comes next, as it is written.
func (r *reader) number() string {
	r.peek()
	start := r.at
	for r.at < len(r.text) {
		c := r.text[r.at]
		if (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			break
		}
		r.at++
	}
	return string(r.text[start:r.at])
}

// quoted steps over a string and answers what is between its quotes, and whether
// that is its value as it stands.
func (r *reader) quoted() (inside []byte, plain, ok bool) {
	if !r.take('"') {
		return nil, false, false
	}
	start, plain := r.at, true
	ascii := true
	for r.at < len(r.text) {
		switch c := r.text[r.at]; {
		case c == '"':
			inside = r.text[start:r.at]
			r.at++
			return inside, plain && (ascii || utf8.Valid(inside)), true
		case c == '\\':
			plain = false
			r.at++ // what is escaped may be a quote
		case c >= utf8.RuneSelf:
			ascii = false
		}
		r.at++
	}
	return nil, false, false
}

// name steps over the name of a member and the colon behind it.
func (r *reader) name() ([]byte, bool) {
	inside, plain, ok := r.quoted()
	return inside, ok && plain && r.take(':')
}

// str answers the string that comes next.
func (r *reader) str() (string, bool) {
	begin := r.at
	inside, plain, ok := r.quoted()
	if !ok || plain {
		return string(inside), ok
	}
	var s string
	return s, json.Unmarshal(r.text[begin:r.at], &s) == nil
}

// more steps over the comma before a further element, or over the end of the list.
func (r *reader) more(end byte) (further, ok bool) {
	if r.take(',') {
		return true, true
	}
	return false, r.take(end)
}

// raw steps over any value and answers it as it is written.
func (r *reader) raw() ([]byte, bool) {
	c := r.peek()
	start := r.at
	switch c {
	case '"':
		_, _, ok := r.quoted()
		return r.text[start:r.at], ok
	case '{', '[':
		ok := r.skipNested()
		return r.text[start:r.at], ok
	case 't', 'f', 'n':
		ok := r.literal("true") || r.literal("false") || r.literal("null")
		return r.text[start:r.at], ok
	default:
		return r.text[start:r.at], r.number() != ""
	}
}

// skipNested steps over an object or a list.
func (r *reader) skipNested() bool {
	depth := 0
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case '"':
			if _, _, ok := r.quoted(); !ok {
				return false
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		r.at++
		if depth == 0 {
			return true
		}
	}
	return false
}
