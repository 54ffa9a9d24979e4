// Package apikey holds the keys by which programs call. A secret is 32 random
// bytes; only its SHA-256 is kept, which needs no salt because nobody can guess
// 256 bits.
package apikey

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// Prefix begins every secret, so that one that leaks into a text is found.
const Prefix = "lk_"

const (
	secretBytes = 32
	suffixChars = 4
	// longestLife is how far ahead an end may lie.
	longestLife = 10 * 365 * 24 * time.Hour
)

// Key is a key without its secret. One that was revoked counts as deleted.
type Key struct {
	entity.Meta
	DisplayName string `db:"display_name"`
	// Roles are resource names.
	Roles []string `db:"roles,json"`
	// ExpireTime is nil where it never ends by itself.
	ExpireTime *time.Time `db:"expire_time"`
	// Hash is the SHA-256 of the secret, Suffix its last four characters.
	Hash   []byte `db:"hash"`
	Suffix string `db:"suffix"`
	// LastUseTime is nil where it never was used. It is kept to the minute, and
	// no event tells of it.
	LastUseTime *time.Time `db:"last_use_time"`
}

// State says whether a key is accepted.
type State int32

// The states, numbered as in the contract.
const (
	Active  State = 1
	Expired State = 2
	Revoked State = 3
)

// State answers whether the key is accepted now.
func (k *Key) State(now time.Time) State {
	switch {
	case k.Deleted():
		return Revoked
	case k.ExpireTime != nil && !now.Before(*k.ExpireTime):
		return Expired
	default:
		return Active
	}
}

// Check answers what is wrong with a key that is made or changed now.
func (k *Key) Check(now time.Time) []errs.Violation {
	var v []errs.Violation
	if k.ExpireTime != nil && (!k.ExpireTime.After(now) || k.ExpireTime.After(now.Add(longestLife))) {
		v = append(v, errs.Violation{Field: "expire_time", Description: "it must lie ahead, by ten years at most"})
	}
	return v
}

// Seal gives the key a new secret, and answers it: the only time that it can be
// seen.
func (k *Key) Seal() string {
	random := make([]byte, secretBytes)
	_, _ = rand.Read(random) // never fails: the program ends where randomness does
	secret := Prefix + base64.RawURLEncoding.EncodeToString(random)
	k.Hash = Hash(secret)
	k.Suffix = secret[len(secret)-suffixChars:]
	return secret
}

// Hash answers what a secret is found by.
func Hash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// Looks says whether the token has the form of a secret: others need not be
// looked for.
func Looks(token string) bool {
	return strings.HasPrefix(token, Prefix) && len(token) == len(Prefix)+base64.RawURLEncoding.EncodedLen(secretBytes)
}
