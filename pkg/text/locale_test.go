package text_test

import (
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/text"
)

func TestLanguage(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"id": "id", "ID_id": "id-ID", "zh-hant-tw": "zh-Hant-TW", "in": "id"} {
		if got, err := text.Language(in); err != nil || got != want {
			t.Errorf("Language(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", "indonesian language", "x", "123", "und"} {
		if got, err := text.Language(in); err == nil {
			t.Errorf("Language(%q) = %q, want an error", in, got)
		}
	}
}

func TestInLanguage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		texts     map[string]string
		tag, want string
	}{
		{map[string]string{"id": "Tingkat", "en": "Tier"}, "id", "Tingkat"},
		{map[string]string{"id": "Tingkat", "en": "Tier"}, "id-ID", "Tingkat"},
		{map[string]string{"zh-Hant": "等級", "zh": "等级"}, "zh-Hant-TW", "等級"},
		{map[string]string{"id": "Tingkat", "en": "Tier"}, "de", "Tier"},
		{map[string]string{"id": "Tingkat", "en": "Tier"}, "", "Tier"},
		{map[string]string{"id": "Tingkat", "fr": "Niveau"}, "de", "Niveau"},
		{nil, "id", ""},
	} {
		if got := text.InLanguage(c.texts, c.tag); got != c.want {
			t.Errorf("of %v for %q it is %q, want %q", c.texts, c.tag, got, c.want)
		}
	}
}

func TestCountry(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"ID": "ID", "idn": "ID", "Indonesia": "ID", "Republik Indonesia": "ID",
		"Deutschland": "DE", "germany": "DE", "Jerman": "DE", "DEU": "DE",
		"日本": "JP", "España": "ES", "Espana": "ES", "Österreich": "AT", "Singapura": "SG",
		"USA": "US", "United States": "US", "UK": "GB", "Türkiye": "TR", "Turkey": "TR", "Côte d’Ivoire": "CI",
	} {
		if got, ok := text.Country(in); !ok || got != want {
			t.Errorf("Country(%q) = %q, %v; want %q", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "ZZ", "XA", "Atlantis", "Jakarta", "EU", "001", "--"} {
		if got, ok := text.Country(in); ok {
			t.Errorf("Country(%q) = %q, want none", in, got)
		}
	}
}

// B20: names of files that are not names of zones.
func TestTimeZone(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Asia/Jakarta", "Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+7"} {
		if zone, err := text.TimeZone(name); err != nil || zone.String() != name {
			t.Errorf("TimeZone(%q) = %v, %v", name, zone, err)
		}
	}
	for _, name := range []string{"", "Local", "posixrules", "Mars/Olympus", "../etc/passwd", "Asia/Jakarta' OR 1=1", "/UTC"} {
		if zone, err := text.TimeZone(name); err == nil {
			t.Errorf("TimeZone(%q) = %v, want an error", name, zone)
		}
	}
}
