package sheet

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Field is something a column can mean.
type Field struct {
	// Name is what the field is called, such as "given_name".
	Name string
	// Headers are how exports head its column, as Fold writes them. A hash sign
	// stands for a number: "email # value".
	Headers []string
	// Repeated tells that several columns may mean it.
	Repeated bool
}

// Column is what one column of a file means.
type Column struct {
	// Index is its place, from 0.
	Index int
	// Header is its head as it stands.
	Header string
	// Field is the name of what it means; "" where that is not known.
	Field string
}

// Guess says what the columns mean by their heads. Of two columns for a field
// that is not repeated the one whose head stands earlier in the field's list
// gets it, and of equals the first.
func Guess(headers []string, fields []Field) []Column {
	columns := make([]Column, len(headers))
	rank := make([]int, len(headers))
	holder := map[string]int{}
	for i, h := range headers {
		columns[i] = Column{Index: i, Header: h}
		folded := Fold(h)
		for _, f := range fields {
			r := indexOf(f.Headers, folded)
			if r < 0 {
				continue
			}
			if held, taken := holder[f.Name]; taken && !f.Repeated {
				if rank[held] <= r {
					break
				}
				columns[held].Field = ""
			}
			holder[f.Name], rank[i], columns[i].Field = i, r, f.Name
			break
		}
	}
	return columns
}

var number = regexp.MustCompile(`\d+`)

// Fold is a head without what exports differ in: case, accents, punctuation; a
// number becomes a hash sign.
func Fold(header string) string {
	var b strings.Builder
	space := false
	for _, r := range norm.NFKD.String(number.ReplaceAllString(header, "#")) {
		switch {
		case unicode.Is(unicode.Mn, r), r == '\'', r == '’':
		case unicode.IsLetter(r), r == '#':
			if space && b.Len() > 0 {
				b.WriteByte(' ')
			}
			space = false
			b.WriteRune(unicode.ToLower(r))
		default:
			space = true
		}
	}
	return b.String()
}

func indexOf(all []string, one string) int {
	for i, s := range all {
		if s == one {
			return i
		}
	}
	return -1
}

// System is a system whose exports are known by heads that only they have together.
type System struct {
	Name string
	// Heads are folded as by Fold.
	Heads []string
}

// SystemOf answers the name of the first of the systems all of whose heads are
// there, and "" where there is none.
func SystemOf(systems []System, headers []string) string {
	folded := map[string]bool{}
	for _, h := range headers {
		folded[Fold(h)] = true
	}
	for _, s := range systems {
		if !slices.ContainsFunc(s.Heads, func(head string) bool { return !folded[head] }) {
			return s.Name
		}
	}
	return ""
}
