package text

import (
	"slices"
	"strings"
	"unicode"
)

// scripts are those whose letters are told apart. Letters of all others are passed
// over.
var scripts = map[string]*unicode.RangeTable{
	"latin": unicode.Latin, "greek": unicode.Greek, "cyrillic": unicode.Cyrillic,
	"armenian": unicode.Armenian, "cherokee": unicode.Cherokee, "georgian": unicode.Georgian,
	"hebrew": unicode.Hebrew, "arabic": unicode.Arabic, "coptic": unicode.Coptic,
	"devanagari": unicode.Devanagari, "thai": unicode.Thai, "lisu": unicode.Lisu,
	"han": unicode.Han, "hiragana": unicode.Hiragana, "katakana": unicode.Katakana,
	"hangul": unicode.Hangul, "bopomofo": unicode.Bopomofo,
}

// together are the scripts that one word may mix, after the "highly restrictive"
// level of UTS #39.
var together = [][]string{
	{"han", "hiragana", "katakana", "latin"}, {"han", "bopomofo", "latin"}, {"han", "hangul", "latin"},
}

// MixedScript reports whether one word of s mixes scripts that no language mixes,
// such as Latin and Cyrillic: one of them may pass for the other.
func MixedScript(s string) bool {
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }) {
		if mixed(word) {
			return true
		}
	}
	return false
}

func mixed(word string) bool {
	var seen []string
	for _, r := range word {
		if s := scriptOf(r); s != "" && !slices.Contains(seen, s) {
			seen = append(seen, s)
		}
	}
	if len(seen) < 2 {
		return false
	}
	return !slices.ContainsFunc(together, func(set []string) bool {
		return !slices.ContainsFunc(seen, func(s string) bool { return !slices.Contains(set, s) })
	})
}

// scriptOf answers "" for letters that are passed over.
func scriptOf(r rune) string {
	if r < 0x80 {
		return "latin"
	}
	for name, table := range scripts {
		if unicode.Is(table, r) {
			return name
		}
	}
	return ""
}
