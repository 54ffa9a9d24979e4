package auth

import (
	"context"

	"github.com/google/uuid"
)

// TrustedIssuer is an issuer whose tokens count.
type TrustedIssuer struct {
	// Issuer is the exact "iss".
	Issuer string
	// Algorithms are those it may sign with, of EdDSA, ES256 and RS256; empty
	// stands for all three.
	Algorithms []string
	// JWKS is the https URL of its key set. Empty where Keys are given.
	JWKS string
	// Keys are its public keys by "kid": ed25519.PublicKey, *ecdsa.PublicKey or
	// *rsa.PublicKey.
	Keys map[string]any
	// Tenants are those it may speak for; empty stands for all. An identity
	// provider that belongs to a customer must have them.
	Tenants []uuid.UUID
}

// Verifier tells who a token speaks of. It is safe for concurrent use.
type Verifier struct {
	issuers map[string]*trust
}

// NewVerifier makes a verifier that trusts these issuers. It fetches no keys
// yet.
func NewVerifier(issuers ...TrustedIssuer) (*Verifier, error) {
	return nil, nil
}

// Verify answers who the token speaks of, or UNAUTHENTICATED.
func (v *Verifier) Verify(ctx context.Context, token string) (Caller, error) {
	return Caller{}, nil
}

type trust struct{ TrustedIssuer }
