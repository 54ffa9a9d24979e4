package text_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/text"
)

func TestParsePhone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, region, e164, extension, country string }{
		{"0171/1234567", "DE", "+491711234567", "", "DE"},
		{"+49 (0) 30 / 123456-0", "", "+49301234560", "", "DE"},
		{"0812-3456-7890", "", "+6281234567890", "", "ID"},
		{"(021) 555 1234 ext. 12", "ID", "+62215551234", "12", "ID"},
		{"tel:+62-21-5551234", "US", "+62215551234", "", "ID"},
		{"٠٨١٢٣٤٥٦٧٨٩٠", "ID", "+6281234567890", "", "ID"},
		{"1-800-FLOWERS", "US", "+18003569377", "", "US"},
	} {
		got, err := text.ParsePhone(c.in, c.region)
		if err != nil || got.E164 != c.e164 || got.Extension != c.extension || got.Region != c.country {
			t.Errorf("ParsePhone(%q, %q) = %+v, %v; want %s %s %s", c.in, c.region, got, err, c.e164, c.extension, c.country)
		}
	}
}

func TestParsePhone_marksWhatNobodyHas(t *testing.T) {
	t.Parallel()
	got, err := text.ParsePhone("+1 200 555 0100", "")
	if err != nil || !slices.Contains(got.Flags, text.FlagUnassigned) {
		t.Errorf("got %+v, %v; want the flag %s", got, err, text.FlagUnassigned)
	}
}

func TestParsePhone_refuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, region, reason string }{
		{"", "ID", "PHONE_INVALID"}, {"123", "ID", "PHONE_INVALID"}, {"not a number", "ID", "PHONE_INVALID"},
		{"+999 123456789", "ID", "PHONE_INVALID"}, {"0812345678901234567890", "ID", "PHONE_INVALID"},
		{"0812 3456 7890", "XX", "REGION_INVALID"}, {"0812 3456 7890", "Indonesia", "REGION_INVALID"},
	} {
		_, err := text.ParsePhone(c.in, c.region)
		var e *text.Error
		if !errors.As(err, &e) || e.Reason != c.reason {
			t.Errorf("ParsePhone(%q, %q): %v, want %s", c.in, c.region, err, c.reason)
		}
	}
}

// The examples of libphonenumber. Numbering plans change, so a few may be
// refused or read otherwise than when the examples were made.
func TestParsePhone_libphonenumber(t *testing.T) {
	t.Parallel()
	rows, other := sharedCSV(t, "phone", "phone_examples.csv"), 0
	for _, row := range rows {
		region, national, e164 := row[0], row[2], row[3]
		got, err := text.ParsePhone(national, region)
		if err != nil || got.E164 != e164 {
			other++
			t.Logf("ParsePhone(%q, %s) = %q, %v; want %s", national, region, got.E164, err, e164)
		}
	}
	if other*100 > len(rows) {
		t.Errorf("%d of %d differ", other, len(rows))
	}
}

func FuzzParsePhone(f *testing.F) {
	for _, s := range []string{"0171/1234567", "+49 (0) 30 / 123456-0", "1-800-FLOWERS", "tel:+1;ext=5", "+٠", "110", "000000"} {
		f.Add(s, "DE")
	}
	f.Fuzz(func(t *testing.T, s, region string) {
		p, err := text.ParsePhone(s, region)
		if err != nil {
			return
		}
		again, err := text.ParsePhone(p.E164, "")
		if err != nil || again.E164 != p.E164 {
			t.Errorf("ParsePhone(%q, %q) = %+v, and of that %+v, %v", s, region, p, again, err)
		}
	})
}
