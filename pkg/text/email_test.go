package text_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/text"
)

func TestParseEmail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in, address, key string
		flags            []string
	}{
		{"Budi.Santoso@Example.COM", "Budi.Santoso@example.com", "budi.santoso@example.com", nil},
		{"o'brien+tag@example.co.id", "o'brien+tag@example.co.id", "o'brien+tag@example.co.id", nil},
		{"root@intranet", "root@intranet", "root@intranet", []string{text.FlagDotlessDomain}},
		{"info@MÜNCHEN.de", "info@münchen.de", "info@xn--mnchen-3ya.de", []string{text.FlagInternational}},
		{"info@xn--mnchen-3ya.de", "info@münchen.de", "info@xn--mnchen-3ya.de", []string{text.FlagInternational}},
		{"аdmin@example.com", "аdmin@example.com", "аdmin@example.com", []string{text.FlagInternational, text.FlagMixedScript}},
		{"x@paypaⅼ.com", "x@paypal.com", "x@paypal.com", nil},
		{"用户@例子.中国", "用户@例子.中国", "用户@xn--fsqu00a.xn--fiqs8s", []string{text.FlagInternational}},
	} {
		got, err := text.ParseEmail(c.in)
		if err != nil || got.Address != c.address || got.Key != c.key || !slices.Equal(got.Flags, c.flags) {
			t.Errorf("ParseEmail(%q) = %+v, %v; want %q, %q, %v", c.in, got, err, c.address, c.key, c.flags)
		}
	}
}

// B32: forms that a strict reader refuses.
func TestParseEmail_refuses(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"quoted local part":  `"a b"@example.com`,
		"IP literal":         "a@[127.0.0.1]",
		"IP address":         "a@127.0.0.1",
		"comment":            "a(x)@example.com",
		"two at signs":       "a@b@example.com",
		"line break":         "a@example.com\r\nBcc: b@example.com",
		"display name":       "Admin <a@example.com>",
		"address as name":    "boss@example.com <a@evil.example>",
		"400 characters":     strings.Repeat("a", 388) + "@example.com",
		"long label":         "a@" + strings.Repeat("a", 64) + ".com",
		"leading dot":        ".a@example.com",
		"two dots":           "a..b@example.com",
		"trailing dot":       "a@example.com.",
		"underscore in host": "a@ex_ample.com",
		"no at sign":         "example.com",
		"empty":              "",
		"space":              "a b@example.com",
		"broken UTF-8":       "a\xff@example.com",
		"zero width":         "a\u200b@example.com",
		"small at sign":      "a﹫example.com",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := text.ParseEmail(in)
			var e *text.Error
			if !errors.As(err, &e) {
				t.Errorf("ParseEmail(%.40q) = %+v, want an error", in, got)
			}
		})
	}
}

// Every address that is_email calls valid is accepted, and of those it warns of
// only the ones in ordinary form with an unusual domain.
func TestParseEmail_isEmail(t *testing.T) {
	t.Parallel()
	for _, row := range sharedCSV(t, "is_email", "is_email_tests.csv") {
		var address string
		if err := json.Unmarshal([]byte(row[1]), &address); err != nil {
			t.Fatalf("row %s: %v", row[0], err)
		}
		category, diagnosis := row[2], row[3]
		want := category == "ISEMAIL_VALID_CATEGORY" || category == "ISEMAIL_DNSWARN" || diagnosis == "ISEMAIL_RFC5321_TLD"
		if _, err := text.ParseEmail(address); (err == nil) != want {
			t.Errorf("row %s: ParseEmail(%q): %v; is_email says %s", row[0], address, err, diagnosis)
		}
	}
}

func FuzzParseEmail(f *testing.F) {
	for _, s := range []string{"a@b", "Budi@Example.com", "用户@例子.中国", `"a"@b.c`, "a@xn--a", "İ@İ.com", "ß@ß.de"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := text.ParseEmail(s)
		if err != nil {
			return
		}
		if strings.ContainsAny(e.Address+e.Wire+e.Key, " \t\r\n<>()[]\"\\,;:") || strings.Count(e.Key, "@") != 1 {
			t.Errorf("ParseEmail(%q) = %+v holds what an address must not", s, e)
		}
		for _, form := range []string{e.Address, e.Wire} {
			again, err := text.ParseEmail(form)
			if err != nil || again.Key != e.Key {
				t.Errorf("ParseEmail(%q) = %+v, and of %q %+v, %v", s, e, form, again, err)
			}
		}
	})
}
