package auth

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// keyServer is an identity provider's key set, which a test can change and break.
type keyServer struct {
	*httptest.Server
	asked atomic.Int64
	mu    sync.Mutex
	body  string
	fail  bool
}

func serveKeys(t *testing.T) *keyServer {
	s := &keyServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.asked.Add(1)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.fail {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = w.Write([]byte(s.body))
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *keyServer) set(fail bool, kids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fail
	x := base64.RawURLEncoding.EncodeToString(edKey.Public().(ed25519.PublicKey))
	s.body = `{"keys":[{"kty":"unheard-of","kid":"x"},{"kty":"oct","kid":"secret","k":"AAAA"}`
	for _, kid := range kids {
		s.body += fmt.Sprintf(`,{"kty":"OKP","crv":"Ed25519","kid":%q,"x":%q}`, kid, x)
	}
	s.body += "]}"
}

func TestKeySet(t *testing.T) {
	t.Parallel()
	keys := serveKeys(t)
	v := must(NewVerifier(TrustedIssuer{Issuer: provider, JWKS: keys.URL}))
	clock := now
	v.now = func() time.Time { return clock }
	verify := func(kid string) error {
		f := good().head("kid", kid).claim("exp", clock.Add(time.Hour).Unix()).claim("jti", fmt.Sprint(clock, kid))
		_, err := v.Verify(context.Background(), f.token())
		return err
	}
	expect := func(what string, err error, code codes.Code, asked int64) {
		t.Helper()
		if errs.Code(err) != code || keys.asked.Load() != asked {
			t.Errorf("%s: got %v after %d fetches, want %v after %d", what, err, keys.asked.Load(), code, asked)
		}
	}

	keys.set(true)
	expect("before the issuer is up", verify("a"), codes.Unavailable, 1)
	expect("at once again", verify("a"), codes.Unavailable, 1)
	keys.set(false, "a")
	clock = clock.Add(firstPause)
	expect("when it is up", verify("a"), codes.OK, 2)
	clock = clock.Add(time.Second)
	expect("cached", verify("a"), codes.OK, 2)
	expect("an invented key, too soon", verify("b"), codes.Unauthenticated, 2)
	clock = clock.Add(firstPause)
	expect("an invented key", verify("b"), codes.Unauthenticated, 3)
	expect("an invented key again", verify("c"), codes.Unauthenticated, 3)
	keys.set(false, "b")
	clock = clock.Add(firstPause)
	expect("a rotated key", verify("b"), codes.OK, 4)
	expect("the one it replaced", verify("a"), codes.Unauthenticated, 4)

	keys.set(true)
	clock = clock.Add(freshFor)
	expect("stale while the issuer is down", verify("b"), codes.OK, 5)
	clock = clock.Add(time.Second)
	expect("without asking each time", verify("b"), codes.OK, 5)
	clock = clock.Add(staleFor)
	expect("stale for too long", verify("b"), codes.Unavailable, 6)
	expect("a symmetric key of the set", verify("secret"), codes.Unavailable, 6)
}

func TestKeySet_asksOnceForMany(t *testing.T) {
	t.Parallel()
	keys := serveKeys(t)
	keys.set(false, "a")
	v := must(NewVerifier(TrustedIssuer{Issuer: provider, JWKS: keys.URL}))
	v.now = func() time.Time { return now }
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if _, err := v.Verify(context.Background(), good().head("kid", "a").token()); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if n := keys.asked.Load(); n > 2 {
		t.Errorf("the key set was fetched %d times", n)
	}
}

func TestIssuer_JWKS(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(internal.JWKS()) }))
	t.Cleanup(server.Close)
	v := must(NewVerifier(TrustedIssuer{Issuer: Internal, JWKS: server.URL}))
	token := must(internal.Mint(Caller{Tenant: tenant, Subject: "users/ann"}, time.Minute))
	if _, err := v.Verify(context.Background(), token); err != nil {
		t.Error(err)
	}
}
