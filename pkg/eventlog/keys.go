package eventlog

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

const (
	// keyBytes is the length of a secret: AES-256.
	keyBytes   = 32
	nonceBytes = 12
)

// Key seals the personal fields of one contact. The zero Key stands for one that
// was destroyed.
type Key struct {
	// ID names the key in Sealed.key.
	ID string
	// secret is nil when the key is destroyed. The cipher is made at each use,
	// which takes some 2 µs: kept ready it is more than a kilobyte, and a process
	// remembers keys by the ten thousand.
	secret *[keyBytes]byte
}

// NewKey makes a Key of 32 secret bytes.
func NewKey(id string, secret []byte) (Key, error) {
	if len(secret) != keyBytes {
		return Key{}, fmt.Errorf("eventlog: key %s has %d bytes, want %d", id, len(secret), keyBytes)
	}
	return Key{ID: id, secret: (*[keyBytes]byte)(bytes.Clone(secret))}, nil
}

// Destroyed reports whether nothing can be sealed or unsealed with the key.
func (k Key) Destroyed() bool { return k.secret == nil }

// Seal encrypts under a key that was not destroyed, and binds the data beside it.
// The nonce comes first in what it answers.
func (k Key) Seal(plain, beside []byte) ([]byte, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, nonceBytes, nonceBytes+len(plain)+aead.Overhead())
	rand.Read(nonce) // never fails (crypto/rand)
	return aead.Seal(nonce, nonce, plain, beside), nil
}

// Open decrypts what Seal answered.
func (k Key) Open(sealed, beside []byte) ([]byte, error) {
	if len(sealed) < nonceBytes {
		return nil, errors.New("it is cut short")
	}
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, sealed[:nonceBytes], sealed[nonceBytes:], beside)
}

// aead is AES-256-GCM under the key.
func (k Key) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.secret[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Keys gives the keys of contacts. It is called inside transactions, so Cached
// must answer from memory; Fetch is only called outside of them.
type Keys interface {
	// Cached answers what is known of the contact's key. A true answer with a
	// zero Key says that the key is known to be destroyed; false says that
	// nothing is known, and that Fetch will tell.
	Cached(tenant, contact uuid.UUID) (Key, bool)
	// Fetch makes Cached answer true for each of the contacts that exist, destroyed
	// keys included. NOT_FOUND names one that does not; another error means that the
	// store of keys could not be asked.
	Fetch(ctx context.Context, tenant uuid.UUID, contacts ...uuid.UUID) error
}

// ErrKeyMissing is what Log.Prepare answers (as a *KeyMissingError) when a key
// is not cached: fetch it outside the transaction and prepare again.
var ErrKeyMissing = errors.New("eventlog: the key of the contact is not cached")

// KeyMissingError says whose keys are missing, of one contact at least. It matches
// ErrKeyMissing.
type KeyMissingError struct {
	Tenant   uuid.UUID
	Contacts []uuid.UUID
}

// Error implements error.
func (e *KeyMissingError) Error() string {
	return ErrKeyMissing.Error() + ": contacts/" + e.Contacts[0].String()
}

// Is matches ErrKeyMissing.
func (e *KeyMissingError) Is(target error) bool { return target == ErrKeyMissing }

// Missing answers a *KeyMissingError that names those of the contacts whose key is not
// cached; nil where all are. What will write many events asks it first, so that their
// keys are fetched at once.
func Missing(keys Keys, tenant uuid.UUID, contacts []uuid.UUID) error {
	var missing []uuid.UUID
	for _, contact := range contacts {
		if _, ok := keys.Cached(tenant, contact); !ok {
			missing = append(missing, contact)
		}
	}
	if missing == nil {
		return nil
	}
	return &KeyMissingError{Tenant: tenant, Contacts: missing}
}

// unknown reports whether Fetch failed because a contact does not exist.
func unknown(err error) bool { return errs.Code(err) == codes.NotFound }

// FetchMissing fetches the keys that an error of Prepare asked for. It answers
// err itself when that was another error.
func FetchMissing(ctx context.Context, keys Keys, err error) error {
	var missing *KeyMissingError
	if !errors.As(err, &missing) {
		return err
	}
	return keys.Fetch(ctx, missing.Tenant, missing.Contacts...)
}
