// Package egress makes the HTTP calls to addresses that callers choose, such as those of
// webhooks, so that none of them reaches what only we can reach (SSRF).
//
// What a URL says is checked when it is given (CheckURL); what counts is checked at each
// connection, on the address that the name was resolved to (Allows). So neither another
// spelling of an address, nor a name that resolves to another one a second time, nor a
// redirect, which is never followed, leads inside. No proxy is used. A call ends within
// Total whatever the receiver does, and no more than MaxAnswer of its answer is read.
//
// Limits: a receiver on the internet that passes calls on is not seen through.
package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// The limits of one call.
const (
	// Connect bounds finding the address and connecting, and once more the TLS handshake.
	Connect = 5 * time.Second
	// Total bounds the call, with reading the answer.
	Total = 15 * time.Second
	// MaxAnswer is how much of an answer is read, in bytes.
	MaxAnswer = 64 << 10
	// maxHeaders is how long the headers of an answer may be, in bytes.
	maxHeaders = 32 << 10
	// idle is how long a connection is kept for the next call, and perHost how many.
	idle, perHost = 30 * time.Second, 2
)

// ErrAddress is why a call did not leave: its address is none on the internet.
var ErrAddress = errors.New("egress: the address is not allowed")

// ports are those that a URL may name.
var ports = map[string]bool{"": true, "443": true, "8443": true}

// Guard says where calls may go. The zero value lets them go to the internet alone, by
// https.
type Guard struct {
	// AllowPrivate lets them go to this machine and to private networks too, on any port
	// and by http: for development and tests, and where all receivers are inside.
	AllowPrivate bool
}

// Client makes calls that the guard looks after, until the context ends. It follows no
// redirect: that is an answer like any other.
func (g Guard) Client(ctx context.Context) *http.Client {
	dialer := &net.Dialer{Timeout: Connect, KeepAlive: idle, ControlContext: g.control, Resolver: resolver(ctx, (&net.Dialer{}).DialContext)}
	return &http.Client{
		Timeout: Total,
		Transport: &http.Transport{
			Proxy: nil, DialContext: until(ctx, dialer.DialContext), ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: Connect, ResponseHeaderTimeout: Total, MaxResponseHeaderBytes: maxHeaders,
			DisableCompression: true, IdleConnTimeout: idle, MaxIdleConnsPerHost: perHost,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// resolver finds addresses until the context ends. What two calls look up together, it
// would otherwise go on looking up when both have ended.
func resolver(end context.Context, connect dial) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: until(end, connect)}
}

// dial makes a connection, as net.Dialer does.
type dial func(ctx context.Context, network, address string) (net.Conn, error)

// until ends connections with a context, and the making of them: http.Transport goes on
// with that when the call it was for has ended.
func until(end context.Context, connect dial) dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(end, cancel)()
		conn, err := connect(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &bound{Conn: conn, free: context.AfterFunc(end, func() { _ = conn.Close() })}, nil
	}
}

// bound is a connection that a context ends.
type bound struct {
	net.Conn
	free func() bool
}

// Close implements net.Conn.
func (b *bound) Close() error {
	b.free()
	return b.Conn.Close()
}

// control refuses a connection before it is made, on the address that it would go to.
func (g Guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !g.Allows(to.Addr()) {
		return ErrAddress
	}
	return nil
}

// CheckURL answers why a URL, the value of a field, is refused: INVALID_ARGUMENT
// URL_NOT_ALLOWED. Whether the address behind a name is allowed shows when it is called.
func (g Guard) CheckURL(field, text string) []errs.Violation {
	if why := g.refusal(text); why != "" {
		return []errs.Violation{{Field: field, Reason: "URL_NOT_ALLOWED", Description: why}}
	}
	return nil
}

func (g Guard) refusal(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return "must be a URL with a host, such as https://crm.example.com/events"
	}
	switch {
	case u.Scheme != "https" && (u.Scheme != "http" || !g.AllowPrivate):
		return "must begin with https://"
	case u.User != nil:
		return "must not hold a user or a password"
	case u.Fragment != "":
		return "must not hold a fragment"
	case !g.AllowPrivate && !ports[u.Port()]:
		return "must have the port 443 or 8443"
	case u.Port() != "" && !isPort(u.Port()):
		return "must have a port from 1 to 65535"
	}
	return g.refuseHost(u.Hostname())
}

func isPort(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n > 0 && n < 1<<16
}

// refuseHost answers why a host is refused.
func (g Guard) refuseHost(host string) string {
	if a, err := netip.ParseAddr(host); err == nil {
		if a.Zone() != "" || !g.Allows(a) {
			return "must lead to a public address"
		}
		return ""
	}
	if !isName(host) {
		return "must have a host name in ASCII letters (an international one in punycode), or an address in its usual spelling"
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if g.AllowPrivate {
		return ""
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	if last == name || reserved[last] {
		return "must have a public host name"
	}
	return ""
}

// reserved are the top-level names that lead nowhere on the internet (RFC 6761, RFC 6762,
// RFC 8375, ICANN's list of names for private use).
var reserved = map[string]bool{"localhost": true, "local": true, "internal": true, "test": true, "invalid": true, "onion": true, "arpa": true, "lan": true, "home": true, "corp": true}

// isName says whether a host is a name as DNS has them, and cannot be read as an address
// in one of its odd spellings: its last part is no number.
func isName(host string) bool {
	name := strings.TrimSuffix(host, ".")
	if name == "" || len(name) > 253 {
		return false
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || strings.Trim(strings.ToLower(label), letters) != "" {
			return false
		}
	}
	_, err := strconv.ParseUint(labels[len(labels)-1], 0, 64)
	return err != nil && !errors.Is(err, strconv.ErrRange)
}

const letters = "abcdefghijklmnopqrstuvwxyz0123456789-_"

// Failure words why a call got no complete answer, in one of a few words that tell a
// caller nothing of our networks.
func Failure(err error) string {
	var name *net.DNSError
	var timeout net.Error
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrAddress):
		return "ADDRESS_NOT_ALLOWED"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "TIMEOUT"
	case errors.As(err, &name):
		return "NAME_UNKNOWN"
	case isTLS(err):
		return "TLS_FAILED"
	}
	return "CONNECTION_FAILED"
}

func isTLS(err error) bool {
	text := fmt.Sprintf("%T %v", errors.Unwrap(err), err)
	return strings.Contains(text, "tls:") || strings.Contains(text, "x509:")
}
