package eventlog

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// Key seals the personal fields of one contact. The zero Key stands for one that
// was destroyed, or never existed.
type Key struct {
	// ID names the key in Sealed.key.
	ID string
	// AEAD is AES-256-GCM under the key; nil when the key is destroyed.
	AEAD cipher.AEAD
}

// NewKey makes a Key of 32 secret bytes.
func NewKey(id string, secret []byte) (Key, error) {
	if len(secret) != 32 {
		return Key{}, fmt.Errorf("eventlog: key %s has %d bytes, want 32", id, len(secret))
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return Key{}, err
	}
	aead, err := cipher.NewGCM(block)
	return Key{ID: id, AEAD: aead}, err
}

// Destroyed reports whether nothing can be sealed or unsealed with the key.
func (k Key) Destroyed() bool { return k.AEAD == nil }

// Keys gives the keys of contacts. It is called inside transactions, so Cached
// must answer from memory; Fetch is only called outside of them.
type Keys interface {
	// Cached answers what is known of the contact's key. A true answer with a
	// zero Key says that the key is known to be destroyed; false says that
	// nothing is known, and that Fetch will tell.
	Cached(tenant, contact uuid.UUID) (Key, bool)
	// Fetch makes Cached answer true for each of the contacts, destroyed keys
	// included. An error means that the store of keys could not be asked.
	Fetch(ctx context.Context, tenant uuid.UUID, contacts ...uuid.UUID) error
}

// ErrKeyMissing is what Log.Prepare answers (as a *KeyMissingError) when a key
// is not cached: fetch it outside the transaction and prepare again.
var ErrKeyMissing = errors.New("eventlog: the key of the contact is not cached")

// KeyMissingError says whose key is missing. It matches ErrKeyMissing.
type KeyMissingError struct{ Tenant, Contact uuid.UUID }

// Error implements error.
func (e *KeyMissingError) Error() string {
	return ErrKeyMissing.Error() + ": contacts/" + e.Contact.String()
}

// Is matches ErrKeyMissing.
func (e *KeyMissingError) Is(target error) bool { return target == ErrKeyMissing }

// FetchMissing fetches the key that an error of Prepare asked for. It answers
// err itself when that was another error.
func FetchMissing(ctx context.Context, keys Keys, err error) error {
	var missing *KeyMissingError
	if !errors.As(err, &missing) {
		return err
	}
	return keys.Fetch(ctx, missing.Tenant, missing.Contact)
}
