package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

const provider = "https://id.example"

var (
	tenant   = uuid.MustParse("0193f7a2-1111-7000-8000-000000000001")
	stranger = uuid.MustParse("0193f7a2-2222-7000-8000-000000000002")
	now      = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

// must answers the value of a call that cannot fail in a test.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var (
	rsaKey   = must(rsa.GenerateKey(rand.Reader, 2048))
	smallRSA = must(rsa.GenerateKey(rand.Reader, 1024))
	ecKey    = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	wideEC   = must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	edKey    = ed25519.NewKeyFromSeed([]byte("0123456789abcdef0123456789abcdef"))
	otherEd  = ed25519.NewKeyFromSeed([]byte("fedcba9876543210fedcba9876543210"))
	internal = NewIssuer(otherEd)
)

func newVerifier(t *testing.T) *Verifier {
	t.Helper()
	v, err := NewVerifier(internal.Trusted(), TrustedIssuer{
		Issuer: provider, Tenants: []uuid.UUID{tenant},
		Keys: map[string]any{
			"rsa": rsaKey.Public(), "small": smallRSA.Public(), "ec": ecKey.Public(), "wide": wideEC.Public(), "ed": edKey.Public(),
		},
	}, TrustedIssuer{
		Issuer: "https://rsa-only.example", Algorithms: []string{"RS256"}, Keys: map[string]any{"rsa": rsaKey.Public(), "ec": ecKey.Public()},
	})
	if err != nil {
		t.Fatal(err)
	}
	v.now = func() time.Time { return now }
	return v
}

// forged is a token in the making: a good one of the provider, until a test spoils
// it.
type forged struct {
	header map[string]any
	claims map[string]any
	key    crypto.Signer
	sign   func(signed string) []byte // instead of key
}

func good() *forged {
	return &forged{
		header: map[string]any{"alg": "EdDSA", "kid": "ed", "typ": "at+jwt"},
		claims: map[string]any{
			"iss": provider, "aud": "lingkar", "sub": "ann", "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(), "nbf": now.Unix(),
			"lingkar_tenant": tenant.String(), "lingkar_roles": []string{"sales"}, "lingkar_teams": []string{"north"},
		},
		key: edKey,
	}
}

func (f *forged) token() string {
	signed := segment(f.header) + "." + segment(f.claims)
	signature := f.sign
	if signature == nil {
		signature = f.signature
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature(signed))
}

func segment(of map[string]any) string {
	return base64.RawURLEncoding.EncodeToString(must(json.Marshal(of)))
}

// signature signs as the key can, whatever the header says.
func (f *forged) signature(signed string) []byte {
	switch k := f.key.(type) {
	case ed25519.PrivateKey:
		return ed25519.Sign(k, []byte(signed))
	case *rsa.PrivateKey:
		return must(jwt.SigningMethodRS256.Sign(signed, k))
	case *ecdsa.PrivateKey:
		sum := sha256.Sum256([]byte(signed))
		r, s, err := ecdsa.Sign(rand.Reader, k, sum[:])
		if err != nil {
			panic(err)
		}
		size := (k.Curve.Params().BitSize + 7) / 8
		out := make([]byte, 2*size)
		r.FillBytes(out[:size])
		s.FillBytes(out[size:])
		return out
	default:
		panic("no such key")
	}
}

// by makes the token one of another key.
func (f *forged) by(alg, kid string, key crypto.Signer) *forged {
	f.header["alg"], f.header["kid"], f.key = alg, kid, key
	return f
}

func (f *forged) head(k string, v any) *forged  { f.header[k] = v; return f }
func (f *forged) claim(k string, v any) *forged { f.claims[k] = v; return f }
func (f *forged) without(k string) *forged      { delete(f.claims, k); delete(f.header, k); return f }

func TestVerify_good(t *testing.T) {
	t.Parallel()
	want := Caller{Tenant: tenant, Subject: "users/ann", Roles: []Role{Sales}, Teams: []string{"north"}}
	for name, f := range map[string]*forged{
		"EdDSA":              good(),
		"ES256":              good().by("ES256", "ec", ecKey),
		"RS256":              good().by("RS256", "rsa", rsaKey),
		"type JWT":           good().head("typ", "JWT"),
		"type left out":      good().without("typ"),
		"type in full":       good().head("typ", "application/at+JWT"),
		"several audiences":  good().claim("aud", []string{"other", "lingkar"}),
		"roles of others":    good().claim("lingkar_roles", []string{"offline_access", "sales", "sales"}),
		"clock a bit ahead":  good().claim("iat", now.Add(59*time.Second).Unix()).claim("nbf", now.Add(59*time.Second).Unix()),
		"subject of a user":  good().claim("sub", "users/ann"),
		"without nbf or iat": good().without("nbf").without("iat"),
	} {
		token := f.token()
		got, err := newVerifier(t).Verify(context.Background(), token)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Token != token || got.Subject != want.Subject || got.Tenant != want.Tenant || len(got.Roles) != 1 || got.Roles[0] != Sales || len(got.Teams) != 1 {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// A14, 4.3: every one of these must be refused.
func TestVerify_bad(t *testing.T) {
	t.Parallel()
	publicPEM := must(x509.MarshalPKIXPublicKey(rsaKey.Public()))
	withHMAC := func(secret []byte) func(string) []byte {
		return func(signed string) []byte {
			m := hmac.New(sha256.New, secret)
			m.Write([]byte(signed))
			return m.Sum(nil)
		}
	}
	whole := good().token()
	parts := strings.Split(whole, ".")
	bad := map[string]string{
		"empty":                       "",
		"garbage":                     "garbage",
		"two parts":                   parts[0] + "." + parts[1],
		"four parts":                  whole + ".x",
		"five parts, encrypted":       "a.b.c.d.e",
		"no signature":                parts[0] + "." + parts[1] + ".",
		"padding":                     whole + "=",
		"signature of other claims":   parts[0] + "." + segment(maps.Clone(good().claim("sub", "bob").claims)) + "." + parts[2],
		"longer than 8 KiB":           good().claim("filler", strings.Repeat("x", 9<<10)).token(),
		"alg none":                    must2(good().head("alg", "none"), func(string) []byte { return nil }),
		"alg None":                    must2(good().head("alg", "nOnE"), func(string) []byte { return nil }),
		"alg empty":                   good().head("alg", "").token(),
		"alg missing":                 good().without("alg").token(),
		"HS256 with the public key":   must2(good().head("alg", "HS256").head("kid", "rsa"), withHMAC(publicPEM)),
		"HS256 with the Ed25519 key":  must2(good().head("alg", "HS256"), withHMAC(edKey.Public().(ed25519.PublicKey))),
		"RS512":                       good().by("RS512", "rsa", rsaKey).token(),
		"PS256":                       good().by("PS256", "rsa", rsaKey).token(),
		"ES384":                       good().by("ES384", "wide", wideEC).token(),
		"ES256 with a P-384 key":      good().by("ES256", "wide", wideEC).token(),
		"RSA key of 1024 bits":        good().by("RS256", "small", smallRSA).token(),
		"EdDSA by a stranger":         good().by("EdDSA", "ed", otherEd).token(),
		"key of another algorithm":    good().by("EdDSA", "ec", edKey).token(),
		"algorithm not of the issuer": good().claim("iss", "https://rsa-only.example").by("ES256", "ec", ecKey).token(),
		"crit":                        good().head("crit", []string{"exp"}).token(),
		"jku":                         good().head("jku", "https://evil.example/keys").token(),
		"x5u":                         good().head("x5u", "https://evil.example/cert").token(),
		"x5c":                         good().head("x5c", []string{"MII"}).token(),
		"jwk":                         good().by("EdDSA", "ed", otherEd).head("jwk", map[string]string{"kty": "OKP"}).token(),
		"kid missing":                 good().without("kid").token(),
		"kid a number":                good().head("kid", 7).token(),
		"kid a path":                  good().head("kid", "../../ed").token(),
		"kid SQL":                     good().head("kid", "' OR 1=1 --").token(),
		"kid of another issuer":       good().head("kid", internal.kid).token(),
		"typ of a logout":             good().head("typ", "logout+jwt").token(),
		"typ of a DPoP proof":         good().head("typ", "dpop+jwt").token(),
		"typ a number":                good().head("typ", 1).token(),
		"issuer missing":              good().without("iss").token(),
		"issuer unknown":              good().claim("iss", "https://evil.example").token(),
		"issuer with a slash":         good().claim("iss", provider+"/").token(),
		"issuer in capitals":          good().claim("iss", strings.ToUpper(provider)).token(),
		"issuer a list":               good().claim("iss", []string{provider}).token(),
		"ours, signed by a provider":  good().claim("iss", Internal).token(),
		"audience missing":            good().without("aud").token(),
		"audience of another":         good().claim("aud", "elsewhere").token(),
		"audience like ours":          good().claim("aud", "lingkar2").token(),
		"audience empty":              good().claim("aud", []string{}).token(),
		"exp missing":                 good().without("exp").token(),
		"exp a string":                good().claim("exp", "tomorrow").token(),
		"exp now":                     good().claim("exp", now.Unix()).token(),
		"expired a second ago":        good().claim("exp", now.Add(-time.Second).Unix()).token(),
		"expired long ago":            good().claim("exp", 1).token(),
		"not yet valid":               good().claim("nbf", now.Add(2*time.Minute).Unix()).token(),
		"issued in the future":        good().claim("iat", now.Add(2*time.Minute).Unix()).token(),
		"subject missing":             good().without("sub").token(),
		"subject with a slash":        good().claim("sub", "services/contact").token(),
		"subject an API key":          good().claim("sub", "apiKeys/1").token(),
		"subject with a space":        good().claim("sub", "ann b").token(),
		"subject with a new line":     good().claim("sub", "ann\nb").token(),
		"tenant missing":              good().without("lingkar_tenant").token(),
		"tenant no UUID":              good().claim("lingkar_tenant", "acme").token(),
		"tenant as a URN":             good().claim("lingkar_tenant", "urn:uuid:"+tenant.String()).token(),
		"tenant nil":                  good().claim("lingkar_tenant", uuid.Nil.String()).token(),
		"tenant of another":           good().claim("lingkar_tenant", stranger.String()).token(),
		"tenant across all":           good().claim("lingkar_tenant", NoTenant.String()).token(),
		"roles a string":              good().claim("lingkar_roles", "admin").token(),
		"role service":                good().claim("lingkar_roles", []string{"service"}).token(),
		"role operator, one tenant":   good().claim("lingkar_roles", []string{"operator"}).token(),
		"too many teams":              good().claim("lingkar_teams", strings.Split(strings.Repeat("a,", 101), ",")).token(),
		"ours of the type JWT":        must(ours("JWT")),
		"ours without a type":         must(ours(nil)),
	}
	v := newVerifier(t)
	for name, token := range bad {
		caller, err := v.Verify(context.Background(), token)
		if errs.Code(err) != codes.Unauthenticated {
			t.Errorf("%s: got %v, %+v", name, err, caller)
		}
		if caller.Subject != "" {
			t.Errorf("%s: a refused token has the caller %+v", name, caller)
		}
		wantReason := "TOKEN_INVALID"
		if strings.HasPrefix(name, "exp") && errs.Reason(err) == "TOKEN_EXPIRED" {
			wantReason = "TOKEN_EXPIRED"
		}
		if errs.Reason(err) != wantReason {
			t.Errorf("%s: got the reason %q", name, errs.Reason(err))
		}
	}
	if len(bad) < 25 {
		t.Errorf("only %d vectors", len(bad))
	}
}

// must2 answers the token with a signature of the test's own.
func must2(f *forged, sign func(string) []byte) string {
	f.sign = sign
	return f.token()
}

// ours is a token of our own issuer with another type.
func ours(typ any) (string, error) {
	f := good().claim("iss", Internal).claim("sub", "users/ann").by("EdDSA", internal.kid, otherEd).head("typ", typ)
	if typ == nil {
		f.without("typ")
	}
	return f.token(), nil
}

func TestIssuer_roundTrip(t *testing.T) {
	t.Parallel()
	v := newVerifier(t)
	v.now = time.Now
	for _, want := range []Caller{
		{Tenant: stranger, Subject: "services/contact", Roles: []Role{Service}},
		{Tenant: tenant, Subject: "apiKeys/0193f7a2", Roles: []Role{Admin, Sales}, Teams: []string{"north", "south"}},
		{Tenant: NoTenant, Subject: "services/analytics", Roles: []Role{Service}},
	} {
		token, err := internal.Mint(want, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		got, err := v.Verify(context.Background(), token)
		if err != nil || got.Tenant != want.Tenant || got.Subject != want.Subject || len(got.Roles) != len(want.Roles) || len(got.Teams) != len(want.Teams) {
			t.Errorf("minted %+v, verified %+v, %v", want, got, err)
		}
	}
	if _, err := v.Verify(context.Background(), must(internal.Mint(Caller{Tenant: tenant, Subject: "gods/zeus"}, time.Minute))); err == nil {
		t.Error("a subject of an unknown kind was taken")
	}
}

func TestVerify_remembersAMinuteAtMost(t *testing.T) {
	t.Parallel()
	v, clock := newVerifier(t), now
	v.now = func() time.Time { return clock }
	short, long := good().claim("exp", now.Add(20*time.Second).Unix()).token(), good().token()
	for _, token := range []string{short, long} {
		if _, err := v.Verify(context.Background(), token); err != nil {
			t.Fatal(err)
		}
	}
	delete(v.issuers, provider) // the issuer is trusted no more
	clock = now.Add(19 * time.Second)
	for _, token := range []string{short, long} {
		if _, err := v.Verify(context.Background(), token); err != nil {
			t.Errorf("a token verified just now is looked at again: %v", err)
		}
	}
	clock = now.Add(20 * time.Second)
	if _, err := v.Verify(context.Background(), short); err == nil {
		t.Error("a token is remembered beyond its end")
	}
	clock = now.Add(time.Minute)
	if _, err := v.Verify(context.Background(), long); err == nil {
		t.Error("a token is remembered for more than a minute")
	}
}

func TestNewVerifier_refusesNonsense(t *testing.T) {
	t.Parallel()
	for name, i := range map[string]TrustedIssuer{
		"no name":       {Keys: map[string]any{"k": edKey.Public()}},
		"no keys":       {Issuer: provider},
		"both":          {Issuer: provider, JWKS: "https://x", Keys: map[string]any{"k": edKey.Public()}},
		"HS256 allowed": {Issuer: provider, Algorithms: []string{"HS256"}, JWKS: "https://x"},
	} {
		if _, err := NewVerifier(i); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add(good().token())
	f.Add(good().head("alg", "none").token())
	f.Add("a.b.c")
	v := must(NewVerifier(internal.Trusted(), TrustedIssuer{Issuer: provider, Keys: map[string]any{"ed": edKey.Public()}}))
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := v.Verify(context.Background(), token); err == nil {
			t.Errorf("a token that we did not make was taken: %q", token)
		}
	})
}
