package auth

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// Internal is the name of our own issuer: the "iss" of every token that the
// gateway and the services mint.
const Internal = "lingkar"

// Audience is the "aud" of every token for Lingkar.
const Audience = "lingkar"

// Issuer mints tokens of our own. It is safe for concurrent use.
type Issuer struct {
	key ed25519.PrivateKey
	kid string
}

// NewIssuer makes an issuer that signs with the key.
func NewIssuer(key ed25519.PrivateKey) *Issuer {
	return &Issuer{key: key, kid: KeyID(key.Public().(ed25519.PublicKey))}
}

// KeyID is what a key is called in tokens and seals: of its SHA-256.
func KeyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return base64.RawURLEncoding.EncodeToString(sum[:8])
}

// Mint makes a token that says who the caller is, valid for ttl from now.
func (i *Issuer) Mint(c Caller, ttl time.Duration) (string, error) {
	now := time.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    Internal,
			Subject:   c.Subject,
			Audience:  jwt.ClaimStrings{Audience},
			IssuedAt:  jwt.NewNumericDate(now),
			NotBefore: jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(now.Add(ttl)),
			ID:        uuid.NewString(),
		},
		Tenant:  c.Tenant.String(),
		Roles:   c.Roles,
		Teams:   c.Teams,
		Contact: optional(c.Contact),
		Access:  optional(c.Access),
	})
	token.Header["kid"] = i.kid
	token.Header["typ"] = "at+jwt"
	signed, err := token.SignedString(i.key)
	if err != nil {
		return "", fmt.Errorf("sign the token of %s: %w", c.Subject, err)
	}
	return signed, nil
}

// optional writes an id that may be absent.
func optional(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}

// Sign answers the Ed25519 signature of a message and the id of the key. What is signed
// must begin with a word of its own, so that it is no token.
func (i *Issuer) Sign(message []byte) (key string, signature []byte) {
	return i.kid, ed25519.Sign(i.key, message)
}

// Public answers the key that signatures are checked by, under its id.
func (i *Issuer) Public() map[string]ed25519.PublicKey {
	return map[string]ed25519.PublicKey{i.kid: i.key.Public().(ed25519.PublicKey)}
}

// Trusted is the entry by which a Verifier accepts this issuer's tokens.
func (i *Issuer) Trusted() TrustedIssuer {
	return TrustedIssuer{
		Issuer:     Internal,
		Algorithms: []string{"EdDSA"},
		Keys:       map[string]any{i.kid: i.key.Public()},
	}
}

// JWKS is the public key as a JSON Web Key Set, for verifiers elsewhere.
func (i *Issuer) JWKS() []byte {
	set, err := json.Marshal(map[string]any{"keys": []map[string]string{{
		"kty": "OKP",
		"crv": "Ed25519",
		"alg": "EdDSA",
		"use": "sig",
		"kid": i.kid,
		"x":   base64.RawURLEncoding.EncodeToString(i.key.Public().(ed25519.PublicKey)),
	}}})
	if err != nil {
		panic("auth: a map of strings must marshal: " + err.Error())
	}
	return set
}
