package rest

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc/metadata"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fieldaccess"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	"github.com/lingkar-crm/lingkar/pkg/telemetry"
)

// The headers of our own, as HTTP spells them.
const (
	correlationHeader = "X-Correlation-Id"
	positionHeader    = "Lingkar-Position"
	forwardedFor      = "X-Forwarded-For"
)

// maxHeaders is how many header fields a request may have.
const maxHeaders = 100

// callTimeout is how long a call over HTTP may take, streams excepted.
const callTimeout = 10 * time.Second

// secure sets what every answer carries. Pages set a policy of their own.
func secure(h http.Header, encrypted bool) {
	if encrypted {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "private, no-cache")
}

// cleaned answers the request without what callers must not set, and with what
// ties it to its cause in the context.
func (d *door) cleaned(r *http.Request) *http.Request {
	header := r.Header.Clone()
	for name := range header {
		if strings.HasPrefix(name, "Grpc-") || strings.HasPrefix(name, "X-Forwarded-") && name != forwardedFor {
			header.Del(name)
		}
	}
	hops := d.trustedHops(header.Values(forwardedFor))
	header.Del(forwardedFor)
	if hops != "" {
		header.Set(forwardedFor, hops)
	}
	info := call.Info{Correlation: call.Correlation(header.Get(correlationHeader))}
	ctx := call.With(telemetry.Extract(r.Context(), header.Get("traceparent")), info)
	r = r.WithContext(ctx)
	r.Header = header
	return r
}

// trustedHops answers the entries of X-Forwarded-For that our own proxies wrote.
func (d *door) trustedHops(values []string) string {
	var entries []string
	for _, e := range strings.Split(strings.Join(values, ","), ",") {
		if e = strings.TrimSpace(e); e != "" {
			entries = append(entries, e)
		}
	}
	return strings.Join(entries[max(0, len(entries)-d.Hops):], ", ")
}

// trap finds what makes a path mean one thing here and another thing elsewhere:
// empty and dot parts, escaped slashes, backslashes, dots and NUL.
var trap = regexp.MustCompile(`//|/\.{1,2}(/|$)|\\|(?i:%2f|%5c|%2e|%00)`)

// wellFormed refuses what no well-meaning caller sends.
func wellFormed(r *http.Request) error {
	fields := 0
	for _, values := range r.Header {
		fields += len(values)
	}
	if fields > maxHeaders {
		return errHeaders
	}
	if trap.MatchString(r.URL.EscapedPath()) || !utf8.ValidString(r.URL.Path) {
		return errPath
	}
	return nil
}

var (
	errNoToken   = errs.Unauthenticated("TOKEN_MISSING", "send a token: Authorization: Bearer …")
	errTwoTokens = errs.Unauthenticated("TOKEN_INVALID", "send one token")
)

// known answers a context in which the caller is known. The token leaves the
// headers: it travels with the caller.
func (d *door) known(r *http.Request) (context.Context, error) {
	values := r.Header.Values("Authorization")
	if len(values) > 1 {
		return nil, errTwoTokens
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") || token == "" {
		return nil, errNoToken
	}
	caller, err := d.Authenticate(r.Context(), token)
	if err != nil {
		return nil, err
	}
	r.Header.Del("Authorization")
	return auth.With(r.Context(), caller), nil
}

// passed are the headers that reach a service, by the metadata they become.
var passed = map[string]string{
	"Idempotency-Key":      rpc.IdempotencyHeader,
	"Lingkar-Min-Position": call.MinPositionHeader,
}

func incomingHeader(name string) (string, bool) {
	key, ok := passed[name]
	return key, ok
}

// outgoingHeader lets the position of a write out, and what an answer leaves out, and
// nothing else.
func outgoingHeader(key string) (string, bool) {
	switch key {
	case call.PositionHeader:
		return positionHeader, true
	case fieldaccess.HiddenHeader:
		return "Lingkar-Hidden-Fields", true
	}
	return "", false
}

// checkKey refuses an Idempotency-Key that no service would take, where grpc
// would drop it in silence.
func checkKey(r *http.Request) error {
	values := r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return nil
	}
	for _, c := range []byte(values[0]) {
		if c < ' ' || c > '~' {
			return errKey
		}
	}
	if len(values) > 1 || values[0] == "" || len(values[0]) > 255 {
		return errKey
	}
	return nil
}

var errKey = errs.Invalid("request_id", "", "the Idempotency-Key must be 1 to 255 printable ASCII characters")

// withoutMetadata is for calls that the door makes by itself.
func withoutMetadata(ctx context.Context) context.Context {
	return metadata.NewOutgoingContext(ctx, metadata.MD{})
}
