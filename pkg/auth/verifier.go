package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

const (
	// maxToken is how long a token may be, in bytes.
	maxToken = 8 << 10
	// skew is how far the clocks of an issuer and of us may differ.
	skew = 60 * time.Second
	// trustFor is how long a verified token is believed without looking again.
	trustFor = 60 * time.Second
	// remembered is how many verified tokens are kept: some 10 MB at most.
	remembered = 8192
	// minRSABits is the shortest RSA key that counts (NIST SP 800-131A).
	minRSABits = 2048
)

var algorithms = []string{"EdDSA", "ES256", "RS256"}

// TrustedIssuer is an issuer whose tokens count.
type TrustedIssuer struct {
	// Issuer is the exact "iss".
	Issuer string
	// Algorithms are those it may sign with, of EdDSA, ES256 and RS256; empty
	// stands for all three.
	Algorithms []string
	// JWKS is the URL of its key set, https outside a network of our own. Empty
	// where Keys are given.
	JWKS string
	// Keys are its public keys by "kid": ed25519.PublicKey, *ecdsa.PublicKey or
	// *rsa.PublicKey.
	Keys map[string]any
	// Tenants are those it may speak for; empty stands for all. An identity
	// provider that belongs to a customer must have them.
	Tenants []uuid.UUID
}

// Verifier tells who a token speaks of. It is safe for concurrent use.
//
// Tokens are JWTs signed by EdDSA, ES256 or RS256, of the type "at+jwt". Of
// other issuers than our own, "JWT" and none count too, because many OpenID
// providers mark access tokens so; their audience is what tells them from ID
// tokens, so no client of such a provider may be called "lingkar".
type Verifier struct {
	issuers  map[string]*trust
	verified *lru.Cache[[sha256.Size]byte, verified]
	now      func() time.Time
}

// trust is an issuer with a way to its keys.
type trust struct {
	TrustedIssuer
	remote *keySet
}

// verified is a token that was found good.
type verified struct {
	caller Caller
	until  time.Time
}

// NewVerifier makes a verifier that trusts these issuers. It fetches their key
// sets when they are first needed.
func NewVerifier(issuers ...TrustedIssuer) (*Verifier, error) {
	v := &Verifier{issuers: map[string]*trust{}, now: time.Now}
	for _, i := range issuers {
		t, err := newTrust(i)
		if err != nil {
			return nil, fmt.Errorf("trust issuer %q: %w", i.Issuer, err)
		}
		v.issuers[i.Issuer] = t
	}
	var err error
	v.verified, err = lru.New[[sha256.Size]byte, verified](remembered)
	return v, err
}

func newTrust(i TrustedIssuer) (*trust, error) {
	if i.Issuer == "" {
		return nil, errors.New("it has no name")
	}
	if (i.JWKS == "") == (len(i.Keys) == 0) {
		return nil, errors.New("it needs either the URL of a key set or keys")
	}
	if len(i.Algorithms) == 0 {
		i.Algorithms = algorithms
	}
	for _, a := range i.Algorithms {
		if !slices.Contains(algorithms, a) {
			return nil, fmt.Errorf("the algorithm %q is not allowed", a)
		}
	}
	t := &trust{TrustedIssuer: i}
	if i.JWKS != "" {
		t.remote = newKeySet(i.JWKS)
	}
	return t, nil
}

var (
	errToken   = errs.Unauthenticated("TOKEN_INVALID", "the token is not valid")
	errExpired = errs.Unauthenticated("TOKEN_EXPIRED", "the token has expired")
)

// Verify answers who the token speaks of, or UNAUTHENTICATED TOKEN_INVALID or
// TOKEN_EXPIRED, or UNAVAILABLE ISSUER_UNAVAILABLE where the keys of its issuer
// cannot be had. Why exactly a token is refused goes to the log, not to the
// caller.
func (v *Verifier) Verify(ctx context.Context, token string) (Caller, error) {
	if len(token) > maxToken {
		return Caller{}, errToken.Wrap(errors.New("it is longer than 8 KiB"))
	}
	now := v.now()
	sum := sha256.Sum256([]byte(token))
	if known, ok := v.verified.Get(sum); ok && now.Before(known.until) {
		return known.caller, nil
	}
	caller, expires, err := v.verify(ctx, token, now)
	if err != nil {
		return Caller{}, refusal(err)
	}
	until := now.Add(trustFor)
	if expires.Before(until) {
		until = expires
	}
	v.verified.Add(sum, verified{caller, until})
	return caller, nil
}

// refusal words an error of the verification for the caller.
func refusal(err error) error {
	var own *errs.Error
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, jwt.ErrTokenExpired):
		return errExpired.Wrap(err)
	default:
		return errToken.Wrap(err)
	}
}

func (v *Verifier) verify(ctx context.Context, token string, now time.Time) (Caller, time.Time, error) {
	var said claims
	var by *trust
	parser := jwt.NewParser(
		jwt.WithValidMethods(algorithms), jwt.WithStrictDecoding(), jwt.WithAudience(Audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(skew),
		jwt.WithTimeFunc(func() time.Time { return now }))
	_, err := parser.ParseWithClaims(token, &said, func(t *jwt.Token) (any, error) {
		by = v.issuers[said.Issuer]
		if by == nil {
			return nil, errors.New("its issuer is not trusted")
		}
		return by.key(ctx, t, now)
	})
	if err != nil {
		return Caller{}, time.Time{}, err
	}
	expires := said.ExpiresAt.Time
	if !now.Before(expires) { // the leeway is for nbf and iat alone
		return Caller{}, time.Time{}, jwt.ErrTokenExpired
	}
	caller, err := by.caller(said)
	caller.Token = token
	return caller, expires, err
}

// key answers the key that must have signed the token. The header chooses among
// the keys we trust; it never brings one.
func (t *trust) key(ctx context.Context, token *jwt.Token, now time.Time) (any, error) {
	for _, name := range []string{"crit", "jku", "x5u", "jwk", "x5c"} {
		if _, ok := token.Header[name]; ok {
			return nil, fmt.Errorf("the header has %q", name)
		}
	}
	if !t.allowsType(token.Header["typ"]) {
		return nil, errors.New("its type is not that of an access token")
	}
	alg := token.Method.Alg()
	if !slices.Contains(t.Algorithms, alg) {
		return nil, fmt.Errorf("its issuer does not sign with %s", alg)
	}
	kid, _ := token.Header["kid"].(string)
	if kid == "" {
		return nil, errors.New("it names no key")
	}
	key, ok := t.Keys[kid]
	if t.remote != nil {
		var err error
		if key, ok, err = t.remote.key(ctx, kid, now); err != nil {
			return nil, err
		}
	}
	if !ok || !fits(key, alg) {
		return nil, errors.New("no key of its issuer fits")
	}
	return key, nil
}

// allowsType says whether the header's "typ" is that of an access token.
func (t *trust) allowsType(typ any) bool {
	name, isString := typ.(string)
	switch strings.ToLower(name) {
	case "at+jwt", "application/at+jwt":
		return true
	case "jwt":
		return t.Issuer != Internal
	case "":
		return t.Issuer != Internal && (isString || typ == nil)
	default:
		return false
	}
}

// fits says whether the key is one for the algorithm, and strong enough.
func fits(key any, alg string) bool {
	switch k := key.(type) {
	case ed25519.PublicKey:
		return alg == "EdDSA" && len(k) == ed25519.PublicKeySize
	case *ecdsa.PublicKey:
		return alg == "ES256" && k.Curve == elliptic.P256()
	case *rsa.PublicKey:
		return alg == "RS256" && k.N.BitLen() >= minRSABits
	default:
		return false
	}
}
