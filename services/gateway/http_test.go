package gateway_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/gateway"
)

// browser makes plain HTTP requests.
type browser struct {
	t     *testing.T
	base  string
	token string
}

func newBrowser(t *testing.T, suite *testkit.Suite, roles ...auth.Role) browser {
	return browser{t, suite.HTTP, suite.Token(suite.As(roles...))}
}

// answer is what came back; the body is JSON, or nil.
type answer struct {
	*http.Response
	text string
	body map[string]any
}

// do makes a request. The headers are name and value in turn.
func (b browser) do(verb, path, body string, headers ...string) answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), verb, b.base+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if b.token != "" {
		req.Header.Set("Authorization", "Bearer "+b.token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return b.send(req)
}

var client = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (b browser) send(req *http.Request) answer {
	b.t.Helper()
	res, err := client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	a := answer{Response: res, text: string(text)}
	_ = json.Unmarshal(text, &a.body)
	return a
}

// refused fails the test unless the answer is a problem with the status and the
// reason.
func (b browser) refused(a answer, status int, reason string) {
	b.t.Helper()
	if a.StatusCode != status || a.body["reason"] != reason {
		b.t.Errorf("got %d %s, want %d %s", a.StatusCode, a.text, status, reason)
	}
	if kind := a.Header.Get("Content-Type"); kind != "application/problem+json" {
		b.t.Errorf("the content type is %q", kind)
	}
}

// violation answers the field and the reason of the first violation.
func (a answer) violation() string {
	list, _ := a.body["violations"].([]any)
	if len(list) == 0 {
		return ""
	}
	first := list[0].(map[string]any)
	return first["field"].(string) + " " + first["reason"].(string)
}

const team = `{"displayName": "Team"}`

func TestHTTP_problemsTellEverything(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, testkit.Start(t, gateway.Definition), auth.Admin)
	a := b.do("POST", "/v1/teams", `{"displayName": "", "colour": "red", "labels": {"a": 1}}`, "X-Correlation-Id", "trace-me")
	b.refused(a, 400, "FIELD_INVALID")
	for key, want := range map[string]any{
		"type": "urn:lingkar:problem:FIELD_INVALID", "title": "Invalid argument", "status": 400.0,
		"code": "INVALID_ARGUMENT", "correlationId": "trace-me",
	} {
		if a.body[key] != want {
			t.Errorf("%s is %v, want %v", key, a.body[key], want)
		}
	}
	if len(a.body["violations"].([]any)) != 2 || len(a.body["details"].([]any)) != 2 || a.violation() != "team.colour FIELD_UNKNOWN" {
		t.Errorf("the problem is %s", a.text)
	}
	if a.Header.Get("X-Correlation-Id") != "trace-me" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", a.Header)
	}
	if strings.Contains(a.text, "red") {
		t.Error("a value of the caller's is told back")
	}
}

// Rows B02, B06, B16, B22 and B43 of the catalogue of bad input.
func TestHTTP_refusesBadInput(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, testkit.Start(t, gateway.Definition), auth.Admin)
	const rate = `"fromCurrencyCode": "USD", "toCurrencyCode": "IDR", "rate": "1"`
	for name, test := range map[string]struct {
		verb, path, body string
		status           int
		reason, field    string
	}{
		"unknown field":           {"POST", "/v1/teams", `{"displayName": "a", "colour": 1}`, 400, "FIELD_UNKNOWN", "team.colour FIELD_UNKNOWN"},
		"number for a string":     {"POST", "/v1/teams", `{"displayName": 1}`, 400, "FIELD_INVALID", "team.display_name FIELD_INVALID"},
		"array for the message":   {"POST", "/v1/teams", `[]`, 400, "FIELD_INVALID", "team FIELD_INVALID"},
		"field twice":             {"POST", "/v1/teams", `{"displayName": "a", "displayName": "b"}`, 400, "FIELD_DUPLICATE", "team.display_name FIELD_DUPLICATE"},
		"two values":              {"POST", "/v1/teams", team + team, 400, "JSON_INVALID", "team JSON_INVALID"},
		"no JSON":                 {"POST", "/v1/teams", `displayName=a`, 400, "JSON_INVALID", "team JSON_INVALID"},
		"too deep":                {"POST", "/v1/teams", `{"labels": ` + strings.Repeat("[", 100), 400, "JSON_TOO_DEEP", "team JSON_TOO_DEEP"},
		"no body":                 {"POST", "/v1/teams", ``, 400, "FIELD_INVALID", "team.display_name FIELD_INVALID"},
		"not UTF-8":               {"POST", "/v1/teams", "{\"displayName\": \"\xc0\xaf\"}", 400, "INVALID_TEXT", "team INVALID_TEXT"},
		"lone surrogate":          {"POST", "/v1/teams", `{"displayName": "\ud800"}`, 400, "INVALID_TEXT", "team INVALID_TEXT"},
		"NUL":                     {"POST", "/v1/teams", `{"displayName": "a\u0000b"}`, 400, "INVALID_TEXT", "team.display_name INVALID_TEXT"},
		"control":                 {"POST", "/v1/teams", `{"displayName": "a\u0007b"}`, 400, "INVALID_TEXT", "team.display_name INVALID_TEXT"},
		"U+FFFE":                  {"POST", "/v1/teams", `{"displayName": "a\ufffeb"}`, 400, "INVALID_TEXT", "team.display_name INVALID_TEXT"},
		"BOM inside":              {"POST", "/v1/teams", `{"displayName": "a\ufeffb"}`, 400, "INVALID_TEXT", "team.display_name INVALID_TEXT"},
		"right to left override":  {"POST", "/v1/teams", `{"displayName": "a\u202eb"}`, 400, "INVALID_TEXT", "team.display_name INVALID_TEXT"},
		"exponent for an integer": {"POST", "/v1/exchangeRates", `{` + rate + `, "date": {"year": 2e3}}`, 400, "FIELD_INVALID", "exchange_rate.date.year FIELD_INVALID"},
		"no such day":             {"POST", "/v1/exchangeRates", `{` + rate + `, "date": {"year": 2026, "month": 2, "day": 30}}`, 400, "FIELD_INVALID", "exchange_rate.date FIELD_INVALID"},
		"unknown parameter":       {"GET", "/v1/teams?colour=red", ``, 400, "FIELD_UNKNOWN", "colour FIELD_UNKNOWN"},
		"parameter twice":         {"GET", "/v1/teams?filter=a&filter=b", ``, 400, "FIELD_DUPLICATE", "filter FIELD_DUPLICATE"},
		"parameter by both names": {"GET", "/v1/teams?pageSize=1&page_size=2", ``, 400, "FIELD_INVALID", ""},
		"text for a number":       {"GET", "/v1/teams?pageSize=many", ``, 400, "FIELD_INVALID", "page_size FIELD_INVALID"},
		"negative page":           {"GET", "/v1/teams?pageSize=-1", ``, 400, "FIELD_INVALID", "page_size FIELD_INVALID"},
		"forged page token":       {"GET", "/v1/teams?pageToken=x", ``, 400, "PAGE_TOKEN_INVALID", "page_token PAGE_TOKEN_INVALID"},
		"filter that is none":     {"GET", "/v1/teams?filter=%27+OR+1%3D1", ``, 400, "FILTER_INVALID", "filter FILTER_INVALID"},
		"parameters with body *":  {"POST", "/v1/teams/x:undelete?name=teams/y", `{}`, 400, "FIELD_UNKNOWN", "name FIELD_UNKNOWN"},
		"no such path":            {"GET", "/v1/nothing", ``, 404, "ROUTE_UNKNOWN", ""},
		"no such path outside":    {"GET", "/admin.php", ``, 404, "ROUTE_UNKNOWN", ""},
		"wrong method":            {"PUT", "/v1/teams", team, 405, "METHOD_NOT_ALLOWED", ""},
		"path not UTF-8":          {"GET", "/v1/teams/%F0%28", ``, 400, "PATH_INVALID", " PATH_INVALID"},
		"empty part outside":      {"GET", "//teams", ``, 400, "PATH_INVALID", " PATH_INVALID"},
		"parameter not UTF-8":     {"GET", "/v1/teams?filter=%FF", ``, 400, "INVALID_TEXT", "filter INVALID_TEXT"},
		"escaped slash":           {"GET", "/v1/teams/a%2Fb", ``, 400, "PATH_INVALID", " PATH_INVALID"},
		"dots":                    {"GET", "/v1/teams/../tenants", ``, 400, "PATH_INVALID", " PATH_INVALID"},
		"escaped dots":            {"GET", "/v1/teams/%2e%2e", ``, 400, "PATH_INVALID", " PATH_INVALID"},
		"empty part":              {"GET", "/v1//teams", ``, 400, "PATH_INVALID", " PATH_INVALID"},
		"backslash":               {"GET", `/v1/teams%5Cx`, ``, 400, "PATH_INVALID", " PATH_INVALID"},
		"not an id":               {"GET", "/v1/teams/TEAM", ``, 400, "FIELD_INVALID", "name FIELD_INVALID"},
	} {
		t.Run(name, func(t *testing.T) {
			b := b
			b.t = t
			a := b.do(test.verb, test.path, test.body)
			b.refused(a, test.status, test.reason)
			if test.field != "" && a.violation() != test.field {
				t.Errorf("the violation is %q, want %q", a.violation(), test.field)
			}
		})
	}
}

// Rows B03, B04 and B05: sizes have statuses of their own.
func TestHTTP_refusesWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, testkit.Start(t, gateway.Definition), auth.Admin)
	large := `{"description": "` + strings.Repeat("a", 1<<20) + `"}`
	b.refused(b.do("POST", "/v1/teams", large), 413, "REQUEST_TOO_LARGE")

	req, err := http.NewRequestWithContext(t.Context(), "POST", b.base+"/v1/teams", io.MultiReader(strings.NewReader(large), strings.NewReader(large)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+b.token)
	b.refused(b.send(req), 413, "REQUEST_TOO_LARGE")

	b.refused(b.do("POST", "/v1/teams", team, "Content-Encoding", "gzip"), 415, "MEDIA_TYPE_UNSUPPORTED")
	b.refused(b.do("POST", "/v1/teams", team, "Content-Type", "text/plain"), 415, "MEDIA_TYPE_UNSUPPORTED")
	b.refused(b.do("POST", "/v1/teams", team, "Content-Type", "application/x-www-form-urlencoded"), 415, "MEDIA_TYPE_UNSUPPORTED")

	if a := b.do("GET", "/v1/teams", "", "X-Long", strings.Repeat("a", 64<<10)); a.StatusCode != 431 {
		t.Errorf("64 KiB of header answer %d", a.StatusCode)
	}
	var many []string
	for i := range 120 {
		many = append(many, "X-Many-"+strings.Repeat("a", i+1), "1")
	}
	b.refused(b.do("GET", "/v1/teams", "", many[:220]...), 431, "HEADERS_TOO_LARGE")
	b.refused(b.do("POST", "/v1/teams", team, "Idempotency-Key", strings.Repeat("k", 256)), 400, "FIELD_INVALID")
}

// Who sends a body that is refused for its size reads so, and sees no reset.
func TestHTTP_refusalIsRead(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, testkit.Start(t, gateway.Definition), auth.Admin)
	const size = 6 << 20 // more than the sockets hold
	conn := must(net.Dial("tcp", strings.TrimPrefix(b.base, "http://")))(t)
	defer conn.Close()
	head := fmt.Sprintf("POST /v1/teams HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", b.token, size)
	if _, err := conn.Write(append([]byte(head), make([]byte, size)...)); err != nil {
		t.Fatalf("sending: %v", err)
	}
	answer := must(http.ReadResponse(bufio.NewReader(conn), nil))(t)
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %s", answer.Status)
	}
}

// Row B43: nothing of a caller's headers does what it says.
func TestHTTP_believesNoHeader(t *testing.T) {
	t.Parallel()
	testkit.Prove(t, testkit.OverREST, "B43")
	suite := testkit.Start(t, gateway.Definition)
	b := newBrowser(t, suite, auth.Analyst)
	if a := b.do("GET", "/v1/teams", "", "X-HTTP-Method-Override", "POST"); a.StatusCode != 200 {
		t.Errorf("an override is heeded: %s", a.text)
	}
	b.refused(b.do("POST", "/v1/teams", team, "X-HTTP-Method-Override", "GET"), 403, "RPC_NOT_ALLOWED")
	admin := suite.Token(suite.As(auth.Admin))
	b.refused(b.do("POST", "/v1/teams", team, "Grpc-Metadata-Authorization", "Bearer "+admin), 403, "RPC_NOT_ALLOWED")
	for _, timeout := range []string{"99999999H", "-1S", "1n", "nonsense"} {
		if a := b.do("GET", "/v1/teams", "", "Grpc-Timeout", timeout); a.StatusCode != 200 {
			t.Errorf("grpc-timeout %s answers %s", timeout, a.text)
		}
	}
	b.refused(b.do("GET", "/v1/teams", "", "Authorization", "Basic YTpi"), 401, "TOKEN_MISSING")
	b.token = ""
	a := b.do("POST", "/v1/teams", `{"not": "read"`)
	b.refused(a, 401, "TOKEN_MISSING") // who calls comes before what is asked
	if !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer") {
		t.Errorf("headers %v", a.Header)
	}
}
