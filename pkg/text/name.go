package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// MaxMarks is how many combining marks one letter may carry: the limit of the
// stream-safe format (UAX #15), far above what any language writes.
const MaxMarks = 30

var (
	errEncoding = &Error{"INVALID_TEXT", "is not valid UTF-8"}
	errControl  = &Error{"INVALID_TEXT", "holds a control character or one that changes the direction of writing"}
	errMarks    = &Error{"INVALID_TEXT", "holds a letter with more than 30 combining marks"}
)

// Line brings a text of one line into form: NFC, without white space at its ends,
// with one space where there was more, without invisible characters that join
// nothing. Control and bidirectional formatting characters are refused
// (INVALID_TEXT).
func Line(s string) (string, error) {
	if plain(s) {
		return s, nil
	}
	if err := check(s); err != nil {
		return "", err
	}
	return norm.NFC.String(squeeze(s)), nil
}

// plain tells whether s is printable ASCII with single spaces between words, as most
// texts are: such a text is in form.
func plain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ':
			if i == 0 || i == len(s)-1 || s[i-1] == ' ' {
				return false
			}
		case c < ' ' || c > '~':
			return false
		}
	}
	return true
}

// check refuses what no line of text may hold.
func check(s string) error {
	if !utf8.ValidString(s) {
		return errEncoding
	}
	marks := 0
	for _, r := range s {
		switch {
		case unicode.Is(unicode.M, r):
			if marks++; marks > MaxMarks {
				return errMarks
			}
			continue
		case unicode.Is(unicode.Cc, r) && r != '\t', bidi(r), noncharacter(r):
			return errControl
		}
		marks = 0
	}
	return nil
}

// bidi reports the explicit directional formatting characters of UAX #9, with
// which a text can be made to read as another.
func bidi(r rune) bool {
	return r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 || r == 0x200E || r == 0x200F || r == 0x061C
}

func noncharacter(r rune) bool {
	return r >= 0xFDD0 && r <= 0xFDEF || r&0xFFFE == 0xFFFE
}

// squeeze collapses white space and drops zero-width characters, except the two
// joiners (U+200C, U+200D) that Persian and Indic spelling needs.
func squeeze(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case r == 0x200B || r == 0x2060 || r == 0xFEFF || r == 0x00AD:
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// DisplayName makes the name that lists show from the parts of a person's name:
// given name first, or family name first and unspaced where both are written in
// Chinese, Japanese or Korean script. Empty where both parts are.
func DisplayName(given, family string) string {
	if given != "" && family != "" && eastAsian(given) && eastAsian(family) {
		return family + given
	}
	return strings.TrimSpace(given + " " + family)
}

func eastAsian(s string) bool {
	for _, r := range s {
		if !unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana) && r != 'ー' {
			return false
		}
	}
	return true
}

// Key is what two lines are compared by where they are to mean exactly the same:
// NFKC, without case, without invisible characters, with single spaces.
func Key(s string) string {
	if plain(s) {
		return strings.ToLower(s)
	}
	// Lower case first: cases.Fold turns Cherokee letters of either case into the
	// other one.
	folded := cases.Fold().String(strings.ToLower(norm.NFKC.String(dropFormat(s))))
	return squeeze(norm.NFKC.String(folded))
}

// SearchKey is what names are sorted and searched by: Key without Latin, Greek
// and Cyrillic accents, and with a space for each run of punctuation, so that
// "Müller-Lüdenscheidt, José" is "muller ludenscheidt jose".
func SearchKey(s string) string {
	key := Key(s)
	if plain(key) && !strings.ContainsFunc(key, mark) {
		return key
	}
	decomposed := norm.NFD.String(key)
	var b strings.Builder
	b.Grow(len(decomposed))
	for _, r := range decomposed {
		switch {
		case r >= 0x0300 && r <= 0x036F:
		case r == '\'' || r == '’':
		case mark(r):
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	return squeeze(norm.NFC.String(b.String()))
}

func mark(r rune) bool { return unicode.IsPunct(r) || unicode.IsSymbol(r) }

// dropFormat removes characters that have no width and no meaning of their own
// (category Cf), the joiners among them.
func dropFormat(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, s)
}
