package rest

import (
	"net/http/httptest"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/call"
)

func TestCleaned_believesOnlyOwnProxies(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		hops int
		sent []string
		want string
	}{
		{0, []string{"1.1.1.1"}, ""},
		{1, []string{"6.6.6.6, 1.1.1.1"}, "1.1.1.1"},
		{2, []string{"6.6.6.6", "1.1.1.1, 2.2.2.2"}, "1.1.1.1, 2.2.2.2"},
		{3, []string{"1.1.1.1"}, "1.1.1.1"},
	} {
		r := httptest.NewRequest("GET", "/v1/teams", nil)
		r.Header["X-Forwarded-For"] = test.sent
		r.Header.Set("X-Forwarded-Host", "evil.example.com")
		r.Header.Set("Grpc-Metadata-X", "1")
		r.Header.Set("X-Correlation-Id", "a b")
		d := &door{Options: Options{Hops: test.hops}}
		cleaned := d.cleaned(r)
		if got := cleaned.Header.Get("X-Forwarded-For"); got != test.want {
			t.Errorf("%d hops of %v: %q, want %q", test.hops, test.sent, got, test.want)
		}
		if cleaned.Header.Get("X-Forwarded-Host")+cleaned.Header.Get("Grpc-Metadata-X") != "" {
			t.Errorf("left %v", cleaned.Header)
		}
		if id := call.From(cleaned.Context()).Correlation; id == "" || id == "a b" {
			t.Errorf("the correlation is %q", id)
		}
	}
}

func TestSpell(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"displayName": "display_name", "display_name": "display_name", "preference.timeZone": "preference.time_zone",
		"customFields.shoeSize": "custom_fields.shoeSize", "*": "*",
	} {
		if got := spell(given); got != want {
			t.Errorf("%s is spelt %s, want %s", given, got, want)
		}
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{`"a"`: true, `W/"a"`: true, `"b", "a"`: true, "*": true, `"b"`: false, "": false, "a": false} {
		if got := matches(header, `"a"`); got != want {
			t.Errorf("%s matches: %v", header, got)
		}
	}
}
