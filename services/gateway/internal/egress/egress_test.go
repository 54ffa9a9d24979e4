package egress_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/egress"
)

// spellings are ways to write this machine's own address (B38; reliability sheet, row 29).
var spellings = []string{
	"127.0.0.1", "127.1", "0177.0.0.1", "0x7f.0.0.1", "2130706433", "0x7f000001", "017700000001", "0", "0.0.0.0",
	"localhost", "localhost.", "LOCALHOST", "127.0.0.1.", "①②⑦.⓪.⓪.①",
	"[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
}

// inside are further places that no webhook may reach.
var inside = []string{
	"10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "169.254.169.254", "198.18.0.1", "192.0.0.8",
	"224.0.0.1", "255.255.255.255", "240.0.0.1", "192.88.99.1",
	"[fe80::1]", "[fe80::1%25eth0]", "[fc00::1]", "[fd00:ec2::254]", "[64:ff9b::7f00:1]", "[64:ff9b:1::1]", "[2002:7f00:1::]",
	"[2001:0:4136:e378:8000:63bf:3fff:fdd2]", "[2001:db8::1]", "[ff02::1]", "[fec0::1]", "[::7f00:1]", "[::ffff:169.254.169.254]",
	"[::ffff:10.0.0.1]", "[100::1]", "[3fff::1]",
}

// B38: what a URL shows is refused when it is given.
func TestCheckURL(t *testing.T) {
	t.Parallel()
	refused := []string{
		"", "x", "/path", "https://", "https:crm.example.com", "ftp://crm.example.com/", "http://crm.example.com/", "gopher://crm.example.com/",
		"https://user@crm.example.com/", "https://user:password@crm.example.com/", "https://crm.example.com:25/", "https://crm.example.com:6379/",
		"https://crm.example.com:5432/", "https://crm.example.com:80/", "https://crm.example.com:0/", "https://crm.example.com:99999/",
		"https://crm.example.com/#a", "https://intranet/", "https://db.internal/", "https://printer.local/", "https://x.test/",
		"https://a_b.c-.com/", "https://.com/", "https://a..com/", "https://exam ple.com/", "https://bücher.example/", "https://crm.example.com%00.evil.com/",
		"https://" + strings.Repeat("a", 64) + ".com/", "https://crm.example.com\\@10.0.0.1/", "https://1.2.3.0x4/", "https://8.8.8.8.:443/",
	}
	for _, host := range append(append([]string{}, spellings...), inside...) {
		refused = append(refused, "https://"+host+"/hook")
	}
	for _, text := range refused {
		if wrong := (egress.Guard{}).CheckURL("url", text); len(wrong) != 1 || wrong[0].Reason != "URL_NOT_ALLOWED" {
			t.Errorf("%q is allowed: %v", text, wrong)
		}
	}
	for _, text := range []string{
		"https://crm.example.com/events?token=1", "https://crm.example.com:8443/", "https://CRM.example.com", "https://8.8.8.8/", "https://[2606:4700::1111]:443/",
		"https://xn--bcher-kva.example.org/", "https://crm.example.com./",
	} {
		if wrong := (egress.Guard{}).CheckURL("url", text); wrong != nil {
			t.Errorf("%q is refused: %v", text, wrong)
		}
	}
	private := egress.Guard{AllowPrivate: true}
	for text, want := range map[string]bool{
		"http://127.0.0.1:4000/": true, "http://receiver:8000/": true, "http://localhost/": true, "http://192.168.1.7/": true, "http://[::1]:80/": true,
		"http://169.254.169.254/": false, "http://[fd00:ec2::254]/": false, "ftp://127.0.0.1/": false, "http://u@127.0.0.1/": false, "http://0.0.0.0/": false,
		"http://2130706433/": false, "http://127.0.0.1:99999/": false,
	} {
		if got := private.CheckURL("url", text) == nil; got != want {
			t.Errorf("inside, %q: allowed %v, want %v", text, got, want)
		}
	}
}

// B38: whatever a name or a spelling leads to, no connection is made to where none may be.
func TestClient_reachesNothingInside(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer server.Close()
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := egress.Guard{}.Client(t.Context())
	for _, host := range append(append([]string{}, spellings...), inside...) {
		res, err := client.Get("http://" + host + ":" + at.Port() + "/")
		if err == nil {
			_ = res.Body.Close()
			t.Errorf("%s was called", host)
		}
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:7f00:1]", "0.0.0.0"} {
		if _, err := client.Get("http://" + host + ":" + at.Port() + "/"); !errors.Is(err, egress.ErrAddress) || egress.Failure(err) != "ADDRESS_NOT_ALLOWED" {
			t.Errorf("%s: %v", host, err)
		}
	}
	if reached.Load() != 0 {
		t.Errorf("the server was reached %d times", reached.Load())
	}
	allowed := egress.Guard{AllowPrivate: true}.Client(t.Context())
	res, err := allowed.Get(server.URL)
	if err != nil || reached.Load() != 1 {
		t.Fatalf("the test proves nothing: %v, reached %d times", err, reached.Load())
	}
	_ = res.Body.Close()
}

func TestAllows(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"8.8.8.8": true, "::ffff:8.8.8.8": true, "2606:4700::1111": true, "99.255.255.255": true, "100.128.0.0": true, "100.127.0.0": false, "::": false} {
		if got := (egress.Guard{}).Allows(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

// F48: a redirect is an answer and is not followed; a receiver that hangs, or answers a
// byte at a time, is left.
func TestClient_ofBadReceivers(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	mux := http.NewServeMux()
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
	mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/drip", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte("x"))
			_ = http.NewResponseController(w).Flush()
			time.Sleep(50 * time.Millisecond)
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	client := egress.Guard{AllowPrivate: true}.Client(t.Context())
	if client.Timeout != egress.Total {
		t.Errorf("a call may take %s", client.Timeout)
	}
	client.Timeout = 300 * time.Millisecond
	res, err := client.Post(server.URL+"/redirect", "text/plain", nil)
	if err != nil || res.StatusCode != http.StatusTemporaryRedirect || elsewhere.Load() != 0 {
		t.Errorf("redirected to %v, %v, elsewhere %d", res, err, elsewhere.Load())
	}
	if _, err := client.Get(server.URL + "/hang"); egress.Failure(err) != "TIMEOUT" {
		t.Errorf("hang: %v", err)
	}
	res, err = client.Get(server.URL + "/drip")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(res.Body); egress.Failure(err) != "TIMEOUT" {
		t.Errorf("drip: %v", err)
	}
}

// A client ends with its context: it makes no connection any more, and keeps none.
func TestClient_ends(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	ctx, end := context.WithCancel(t.Context())
	defer end()
	client := egress.Guard{AllowPrivate: true}.Client(ctx)
	get := func() error {
		res, err := client.Get(server.URL)
		if err == nil {
			_ = res.Body.Close()
		}
		return err
	}
	if err := get(); err != nil {
		t.Fatal(err)
	}
	end()
	testkit.Eventually(t, func() error { // it may still get hold of the connection that is about to end
		if get() == nil {
			return errors.New("a call is made")
		}
		return nil
	})
}
