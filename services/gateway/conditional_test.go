package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/gateway"
)

func TestHTTP_etags(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, testkit.Start(t, gateway.Definition), auth.Admin)
	made := b.do("POST", "/v1/teams", team)
	etag, path := made.Header.Get("ETag"), "/v1/"+made.body["name"].(string)
	if made.StatusCode != 200 || etag != fmt.Sprintf("%q", made.body["etag"]) {
		t.Fatalf("made %s with ETag %s", made.text, etag)
	}
	if same := b.do("GET", path, "", "If-None-Match", `"other", W/`+etag); same.StatusCode != 304 || same.text != "" || same.Header.Get("ETag") != etag {
		t.Errorf("got %d %q with %v", same.StatusCode, same.text, same.Header)
	}
	if other := b.do("GET", path, "", "If-None-Match", `"other"`); other.StatusCode != 200 || other.body["displayName"] != "Team" {
		t.Errorf("got %d %s", other.StatusCode, other.text)
	}
	b.refused(b.do("PATCH", path, `{"description": "a"}`, "If-Match", `"other"`), 409, "ETAG_MISMATCH")
	b.refused(b.do("PATCH", path, `{"description": "a", "etag": "x"}`, "If-Match", etag), 400, "FIELD_INVALID")
	b.refused(b.do("PATCH", path, `{"description": "a"}`, "If-Match", `other`), 400, "FIELD_INVALID")
	changed := b.do("PATCH", path, `{"description": "a"}`, "If-Match", etag)
	if changed.StatusCode != 200 || changed.Header.Get("ETag") == etag {
		t.Fatalf("changed into %d %s", changed.StatusCode, changed.text)
	}
	b.refused(b.do("DELETE", path, "", "If-Match", etag), 409, "ETAG_MISMATCH")
	gone := b.do("DELETE", path, "", "If-Match", changed.Header.Get("ETag"))
	if gone.StatusCode != 200 || gone.body["deleteTime"] == nil {
		t.Fatalf("deleted into %d %s", gone.StatusCode, gone.text)
	}
	b.refused(b.do("POST", path+":undelete", `{}`, "If-Match", etag), 409, "ETAG_MISMATCH")
	if back := b.do("POST", path+":undelete", `{}`, "If-Match", gone.Header.Get("ETag")); back.StatusCode != 200 {
		t.Errorf("brought back into %d %s", back.StatusCode, back.text)
	}
}

// A PATCH changes what its body names: to nothing where it says so, and not what
// only the server writes.
func TestHTTP_patch(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	b := newBrowser(t, suite, auth.Admin)
	made := b.do("POST", "/v1/teams", `{"displayName": "Team", "description": "old", "labels": {"a": "1", "b": "2"}}`)
	path := "/v1/" + made.body["name"].(string)
	changed := b.do("PATCH", path, `{"description": "", "labels": {"c": "3"}}`)
	if changed.body["description"] != nil || changed.body["displayName"] != "Team" || fmt.Sprint(changed.body["labels"]) != "map[c:3]" {
		t.Errorf("changed into %s", changed.text)
	}
	masked := b.do("PATCH", path+"?updateMask=displayName", `{"displayName": "Other", "description": "ignored"}`)
	if masked.body["displayName"] != "Other" || masked.body["description"] != nil {
		t.Errorf("changed into %s", masked.text)
	}
	round := b.do("PATCH", path, masked.text)
	if round.StatusCode != 200 || round.body["etag"] != masked.body["etag"] {
		t.Errorf("what was read, sent back, answers %d %s", round.StatusCode, round.text)
	}
	b.refused(b.do("PATCH", path+"?updateMask=colour", `{}`), 400, "FIELD_UNKNOWN")
	foreign := newBrowser(t, suite, auth.Admin)
	foreign.token = suite.Token(suite.AsOther(auth.Admin))
	foreign.refused(foreign.do("PATCH", path, `{"displayName": "Stolen"}`), 404, "TEAM_NOT_FOUND")
}

func TestHTTP_idempotencyKey(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, testkit.Start(t, gateway.Definition), auth.Admin)
	first := b.do("POST", "/v1/teams", team, "Idempotency-Key", "one")
	again := b.do("POST", "/v1/teams", team, "Idempotency-Key", "one")
	if first.StatusCode != 200 || again.text == "" || first.body["name"] != again.body["name"] {
		t.Errorf("first %s, again %s", first.text, again.text)
	}
	b.refused(b.do("POST", "/v1/teams", `{"displayName": "Other"}`, "Idempotency-Key", "one"), 400, "IDEMPOTENCY_KEY_REUSED")
	b.refused(b.do("POST", "/v1/teams?requestId=two", team, "Idempotency-Key", "one"), 409, "TEAM_NAME_TAKEN") // the message says it itself
	if first.Header.Get("Lingkar-Position") == "" {
		t.Errorf("a write answers no position: %v", first.Header)
	}
}

func TestHTTP_pagesAreLinked(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, testkit.Start(t, gateway.Definition), auth.Admin)
	for i := range 5 {
		b.do("POST", "/v1/teams", fmt.Sprintf(`{"displayName": "Team %d", "labels": {"n": "1"}}`, i))
	}
	seen, next := 0, "/v1/teams?pageSize=2&orderBy=display_name"
	for next != "" {
		page := b.do("GET", next, "")
		list, _ := page.body["teams"].([]any)
		seen += len(list)
		link := page.Header.Get("Link")
		if (link == "") != (page.body["nextPageToken"] == nil) {
			t.Fatalf("link %q of %s", link, page.text)
		}
		next, _, _ = strings.Cut(strings.TrimPrefix(link, "<"), ">")
	}
	if seen != 5 {
		t.Errorf("saw %d teams", seen)
	}
}

func TestHTTP_cors(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.With(gateway.Config{Origins: []string{"https://crm.example.com"}}))
	b := newBrowser(t, suite, auth.Admin)
	b.t = t
	testkit.Prove(t, testkit.OverREST, "PLT-28")
	ask := []string{"Origin", "https://crm.example.com", "Access-Control-Request-Method", "PATCH", "Access-Control-Request-Headers", "authorization,if-match"}
	token := b.token
	b.token = ""
	allowed := b.do("OPTIONS", "/v1/teams", "", ask...)
	if allowed.StatusCode != 204 || allowed.Header.Get("Access-Control-Allow-Origin") != "https://crm.example.com" ||
		!strings.Contains(allowed.Header.Get("Access-Control-Allow-Methods"), "PATCH") || !strings.Contains(allowed.Header.Get("Access-Control-Allow-Headers"), "If-Match") {
		t.Errorf("got %d %v", allowed.StatusCode, allowed.Header)
	}
	ask[1] = "https://evil.example.com"
	if denied := b.do("OPTIONS", "/v1/teams", "", ask...); denied.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("any origin is allowed: %v", denied.Header)
	}
	b.token = token
	got := b.do("GET", "/v1/teams", "", "Origin", "https://crm.example.com")
	if !strings.Contains(got.Header.Get("Access-Control-Expose-Headers"), "ETag") || got.Header.Get("Vary") != "Origin" ||
		got.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("headers %v", got.Header)
	}
}
