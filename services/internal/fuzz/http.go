package fuzz

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// fragments are what a value of a JSON body is replaced by.
var fragments = []string{
	`null`, `true`, `0`, `-1`, `1.5`, `1e3`, `1e999`, `-0`, `NaN`, `Infinity`, `01`, `0x10`, `9223372036854775808`, `99999999999999999999999999`, `"1"`, `""`, `"x"`,
	`[]`, `{}`, `[[]]`, `[null]`, `{"x": 1}`, `["x", 1]`, `"\u0000"`, `"\ud800"`, `"\udc00\ud800"`, `"\u202e"`, `"\ufffe"`, "\"\xff\"", "\"\x01\"", `"\x"`, `'x'`, `undefined`,
	`{"a": 1, "a": 2}`, `"2026-02-30T00:00:00Z"`, `"0000-01-01T00:00:00Z"`, `"9999-12-31T23:59:60Z"`, `"10000-01-01T00:00:00Z"`, `{"@type": "type.googleapis.com/x"}`, ``, `{`, `]`, `,`, `/**/1`,
}

// headers are what a request over HTTP may be given, by name.
var headers = map[string][]string{
	"Idempotency-Key":             {"", "k", strings.Repeat("k", 255), strings.Repeat("k", 256), "\x7f", "ü", "a\tb"},
	"If-Match":                    {`""`, `"x"`, `*`, `x`, `W/"x"`, `"a", "b"`, `"`},
	"If-None-Match":               {`*`, `"x"`, `W/`, `,,,`},
	"Content-Type":                {"text/plain", "application/json; charset=utf-16", "application/xml", ";", "multipart/form-data"},
	"Content-Encoding":            {"gzip", "identity", "br", ""},
	"Accept":                      {"text/html", "*/*;q=9", ""},
	"Grpc-Timeout":                {"99999999H", "-1S", "1n", "x"},
	"Grpc-Metadata-Authorization": {"Bearer x"},
	"X-Http-Method-Override":      {"DELETE", "GET", "x"},
	"X-Forwarded-For":             {"127.0.0.1", strings.Repeat("1,", 500), "'"},
	"X-Forwarded-Host":            {"evil.example.com"},
	"X-Correlation-Id":            {"a b", strings.Repeat("c", 200), "c"},
	"Lingkar-Min-Position":        {"", "x", "AAAA", strings.Repeat("p", 300), "' OR 1=1"},
	"Traceparent":                 {"00-0-0-0", "x", "00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-ff"},
	"Authorization":               {"", "Bearer", "Bearer x", "Bearer lk_x", "Basic YTpi", "Bearer " + strings.Repeat("e", 5000)},
	"Range":                       {"bytes=0-0"},
	"Expect":                      {"100-continue"},
	"Origin":                      {"https://evil.example.com", "null"},
	"Accept-Encoding":             {"gzip", "identity;q=0"},
}

// names are those of headers, in an order that the seed can repeat.
var names = slices.Sorted(maps.Keys(headers))

// SpoilHTTP spoils a request over HTTP: its body, its path, its parameters or its
// headers.
func (g *Generator) SpoilHTTP(req *http.Request) {
	for range 1 + g.Rand.IntN(2) {
		switch g.Rand.IntN(8) {
		case 0, 1, 2, 3:
			g.spoilBody(req)
		case 4:
			g.spoilPath(req)
		case 5:
			g.spoilQuery(req)
		case 6:
			name := names[g.Rand.IntN(len(names))]
			req.Header.Add(name, headers[name][g.Rand.IntN(len(headers[name]))])
		default:
			if g.chance(0.2) {
				req.Method = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "X"}[g.Rand.IntN(9)]
			}
			g.spoilBody(req)
		}
	}
}

func setBody(req *http.Request, body []byte) {
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
}

func (g *Generator) spoilBody(req *http.Request) {
	if req.Body == nil || req.ContentLength == 0 {
		if g.chance(0.3) {
			setBody(req, []byte(fragments[g.Rand.IntN(len(fragments))]))
		}
		return
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	setBody(req, g.spoilJSON(body))
}

// span is where a token of JSON stands.
type span struct {
	from, to int
	key      bool
}

// spansOf finds the keys and the values of a JSON text.
func spansOf(body []byte) []span {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var all []span
	var open []json.Delim
	var keyed []bool // whether the next token of each open object is a key
	for {
		before := int(decoder.InputOffset())
		token, err := decoder.Token()
		if err != nil {
			return all
		}
		from := before + bytes.IndexFunc(body[before:], func(r rune) bool { return !strings.ContainsRune(" \t\r\n,:", r) })
		inObject := len(open) > 0 && open[len(open)-1] == '{'
		key := inObject && keyed[len(keyed)-1]
		if inObject {
			keyed[len(keyed)-1] = !key
		}
		switch d, _ := token.(json.Delim); d {
		case '{', '[':
			open, keyed = append(open, d), append(keyed, true)
		case '}', ']':
			open, keyed = open[:len(open)-1], keyed[:len(keyed)-1]
			if len(open) > 0 && open[len(open)-1] == '{' && inObject {
				keyed[len(keyed)-1] = true
			}
		default:
			all = append(all, span{from, int(decoder.InputOffset()), key})
		}
	}
}

// spoilJSON spoils a body in one place.
func (g *Generator) spoilJSON(body []byte) []byte {
	fragment := fragments[g.Rand.IntN(len(fragments))]
	spans := spansOf(body)
	if len(spans) == 0 || g.chance(0.1) {
		return g.spoilText(body, fragment)
	}
	s := spans[g.Rand.IntN(len(spans))]
	replace := func(what string) []byte {
		return append(body[:s.from:s.from], append([]byte(what), body[s.to:]...)...)
	}
	was := string(body[s.from:s.to])
	if !s.key {
		return replace(fragment)
	}
	switch g.Rand.IntN(4) {
	case 0: // a field that nobody knows
		return replace(`"colour": ` + fragment + `, ` + was)
	case 1: // a field twice
		return replace(was + `: ` + fragment + `, ` + was)
	case 2:
		return replace(`"` + texts[g.Rand.IntN(len(texts))] + `"`)
	default: // in the other spelling
		return replace(strings.ToUpper(was))
	}
}

func (g *Generator) spoilText(body []byte, fragment string) []byte {
	at := g.Rand.IntN(len(body) + 1)
	switch g.Rand.IntN(5) {
	case 0:
		return body[:at]
	case 1:
		return append(body[:at:at], append([]byte(fragment), body[at:]...)...)
	case 2:
		return append(body, body...)
	case 3:
		deep := []int{63, 64, 65, 3000}[g.Rand.IntN(4)]
		return []byte(`{"x": ` + strings.Repeat("[", deep) + strings.Repeat("]", deep) + `}`)
	default:
		return []byte(fragment)
	}
}

// spoilPath puts something else in place of a part of the path.
func (g *Generator) spoilPath(req *http.Request) {
	parts := strings.Split(req.URL.EscapedPath(), "/")
	i := 1 + g.Rand.IntN(len(parts)-1)
	switch g.Rand.IntN(4) {
	case 0:
		parts[i] += []string{":", ":undelete", "%00", "%", "%zz", ";a=b", "%F0%28", " ", "#", "%252F"}[g.Rand.IntN(10)]
	case 1:
		parts = append(parts[:i:i], parts[i+1:]...)
	case 2:
		parts = append(parts, parts[i])
	default:
		parts[i] = url.PathEscape(strings.ReplaceAll(texts[g.Rand.IntN(len(texts))], notUTF8, badUTF8))
	}
	if u, err := url.Parse(req.URL.Scheme + "://" + req.URL.Host + strings.Join(parts, "/")); err == nil {
		u.RawQuery = req.URL.RawQuery
		req.URL = u
	}
}

// spoilQuery adds a parameter, twice perhaps, or writes what is no query.
func (g *Generator) spoilQuery(req *http.Request) {
	fields := g.method.Desc.Input().Fields()
	name := "colour"
	if fields.Len() > 0 && g.chance(0.8) {
		name = fields.Get(g.Rand.IntN(fields.Len())).JSONName()
	}
	value := url.QueryEscape(strings.ReplaceAll(texts[g.Rand.IntN(len(texts))], notUTF8, badUTF8))
	raw := []string{name + "=" + value, name + "=" + value + "&" + name + "=1", name + "[x]=" + value, name + "." + name + "=" + value, name, "=" + value, "%zz", "&&;&", name + "=%"}[g.Rand.IntN(9)]
	if req.URL.RawQuery != "" {
		raw = req.URL.RawQuery + "&" + raw
	}
	req.URL.RawQuery = raw
}
