package text_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/lingkar-crm/lingkar/pkg/text"
)

func TestLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"trimmed and collapsed":   {"  Siti \t Nur\u00a0\u2003Haliza ", "Siti Nur Haliza"},
		"composed":                {"Jose\u0301", "José"},
		"zero width removed":      {"Bu\u200bdi\ufeff", "Budi"},
		"joiner of Persian kept":  {"می\u200cخواهم", "می\u200cخواهم"},
		"emoji kept":              {"Warung 🍜", "Warung 🍜"},
		"empty":                   {" ", ""},
		"composed over removed":   {"e\u200b\u0301", "é"},
		"compatibility form kept": {"ﬁrma", "ﬁrma"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := text.Line(c.in)
			if err != nil || got != c.want {
				t.Errorf("Line(%q) = %q, %v; want %q", c.in, got, err, c.want)
			}
		})
	}
}

// Texts of ASCII take a short way, and come out as they do beside a letter that is
// none.
func TestASCII_comesOutAsOtherText(t *testing.T) {
	t.Parallel()
	plainly := func(s string) string { return strings.ReplaceAll(s, "é", "e") }
	for a := range rune(0x80) {
		for b := range rune(0x80) {
			for _, between := range []string{"", " ", "x", "'", "X "} {
				ascii := "e" + string(a) + between + string(b) + "e"
				other := "é" + ascii[1:len(ascii)-1] + "é"
				got, err := text.Line(ascii)
				want, wanted := text.Line(other)
				if got != plainly(want) || !errors.Is(err, wanted) {
					t.Errorf("Line(%q) = %q, %v; want %q, %v", ascii, got, err, plainly(want), wanted)
				}
				if got, want := text.Key(ascii), plainly(text.Key(other)); got != want {
					t.Errorf("Key(%q) = %q, want %q", ascii, got, want)
				}
				if got, want := text.SearchKey(ascii), text.SearchKey(other); got != want {
					t.Errorf("SearchKey(%q) = %q, want %q", ascii, got, want)
				}
			}
		}
	}
}

// B06, B07: what no name may hold.
func TestLine_refuses(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"NUL":                "a\x00b",
		"line feed":          "a\nb",
		"escape":             "a\x1b[31m",
		"C1":                 "a\u0085b",
		"right-to-left mark": "a\u202egpj.exe",
		"isolate":            "a\u2066b",
		"noncharacter":       "a\ufffeb",
		"broken UTF-8":       "a\xc0\xafb",
		"ten thousand marks": "a" + strings.Repeat("\u0301", 10000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := text.Line(in)
			var e *text.Error
			if !errors.As(err, &e) || e.Reason != "INVALID_TEXT" {
				t.Errorf("Line(%.20q) = %v, want INVALID_TEXT", in, err)
			}
		})
	}
}

func TestDisplayName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ given, family, want string }{
		{"Siti", "Nurhaliza", "Siti Nurhaliza"},
		{"Suharto", "", "Suharto"},
		{"", "Müller", "Müller"},
		{"小明", "王", "王小明"},
		{"", "", ""},
	} {
		if got := text.DisplayName(c.given, c.family); got != c.want {
			t.Errorf("DisplayName(%q, %q) = %q, want %q", c.given, c.family, got, c.want)
		}
	}
}

// B08: one key for spellings of the same, two for look-alikes.
func TestKey(t *testing.T) {
	t.Parallel()
	for _, same := range [][2]string{
		{"PT  Maju Jaya", "pt maju jaya"},
		{"STRASSE", "straße"},
		{"ＡＢＣ", "abc"},
		{"paypaⅼ", "paypal"},
		{"Jose\u0301", "JOSÉ"},
		{"Bu\u200bdi", "budi"},
		{"Ꮪ", "ꮪ"},
	} {
		if text.Key(same[0]) != text.Key(same[1]) {
			t.Errorf("Key(%q) = %q, Key(%q) = %q", same[0], text.Key(same[0]), same[1], text.Key(same[1]))
		}
	}
	for _, other := range [][2]string{{"аdmin", "admin"}, {"José", "Jose"}, {"Ivan", "Ivаn"}} {
		if text.Key(other[0]) == text.Key(other[1]) {
			t.Errorf("Key(%q) = Key(%q)", other[0], other[1])
		}
	}
}

func TestSearchKey(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Müller-Lüdenscheidt, José": "muller ludenscheidt jose",
		"O'Brien":                   "obrien",
		"PT. Sumber  Makmur (Tbk)":  "pt sumber makmur tbk",
		"Ёлкин":                     "елкин",
		"नमस्ते":                    "नमस्ते",
	} {
		if got := text.SearchKey(in); got != want {
			t.Errorf("SearchKey(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestMixedScript(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{
		"аdmin": true, "admin": false, "Иван Petrov": false, "東京タワーAB": false,
		"Ελληνιkά": true, "Müller": false, "naïve2": false, "": false,
	} {
		if got := text.MixedScript(in); got != want {
			t.Errorf("MixedScript(%q) = %v, want %v", in, got, want)
		}
	}
}

func FuzzLine(f *testing.F) {
	for _, s := range []string{"Siti Nurhaliza", "e\u200b\u0301", "\u00a8x", "a\u202eb", "ﷺ", "İstanbul", "ΐ", "\u0345\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		line, err := text.Line(s)
		if err != nil {
			return
		}
		again, err := text.Line(line)
		if err != nil || again != line {
			t.Errorf("Line(%q) = %q, and of that %q, %v", s, line, again, err)
		}
		if !utf8.ValidString(line) || !norm.NFC.IsNormalString(line) || strings.Contains(line, "  ") {
			t.Errorf("Line(%q) = %q is not in form", s, line)
		}
		for name, key := range map[string]func(string) string{"Key": text.Key, "SearchKey": text.SearchKey} {
			k := key(line)
			if key(k) != k {
				t.Errorf("%s(%q) = %q, and of that %q", name, line, k, key(k))
			}
		}
	})
}
