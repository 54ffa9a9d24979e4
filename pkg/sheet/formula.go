package sheet

import (
	"strings"
	"unicode"
)

// Guard writes a cell so that no spreadsheet runs it as a formula: with an
// apostrophe before it where it begins, after blanks and control characters, with
// = + - @ or their full-width forms, or with a tab or carriage return. Unguard takes
// it off again.
func Guard(cell string) string {
	if runs(cell) {
		return "'" + cell
	}
	return cell
}

// Unguard answers the cell that Guard wrote. A cell it did not write stays, unless
// it looks as if it had.
func Unguard(cell string) string {
	if bare, guarded := strings.CutPrefix(cell, "'"); guarded && runs(bare) {
		return bare
	}
	return cell
}

// runs tells whether a spreadsheet may take a cell for a formula. Apostrophes are
// passed over, so that what was guarded twice can be unguarded twice.
func runs(cell string) bool {
	bare := strings.TrimLeft(cell, "'")
	if bare == "" {
		return false
	}
	if bare[0] == '\t' || bare[0] == '\r' {
		return true
	}
	bare = strings.TrimLeftFunc(bare, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\''
	})
	return strings.ContainsAny(firstRune(bare), "=+-@＝＋－＠")
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}
