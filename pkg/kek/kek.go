// Package kek encrypts the secrets that a service must read again, such as sealing keys
// and those that sign webhooks, under key-encryption keys that lie in a file outside of
// the database: AES-256-GCM, bound to the id of what each secret belongs to.
//
// A file holds several, so that one can be replaced: the first encrypts, all decrypt.
// Without the one that encrypted it a secret is lost.
package kek

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
)

const (
	kekBytes   = 32
	kekIDBytes = 4
	nonceBytes = 12
)

// Wrapper wraps keys under key-encryption keys. The first one wraps; the others
// only unwrap what they wrapped before a rotation.
type Wrapper struct {
	current string
	keks    map[string]cipher.AEAD
}

var errKEK = errors.New("the key-encryption key must be 32 bytes in hexadecimal, one key a line, the one in use first")

// Parse reads a file of key-encryption keys: one a line, 32 bytes in hexadecimal,
// the one in use first.
func Parse(file []byte) (*Wrapper, error) {
	w := &Wrapper{keks: map[string]cipher.AEAD{}}
	for line := range bytes.FieldsSeq(file) {
		kek, err := hex.DecodeString(string(line))
		if err != nil || len(kek) != kekBytes {
			return nil, errKEK
		}
		block, err := aes.NewCipher(kek)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(kek)
		id := hex.EncodeToString(sum[:kekIDBytes])
		if w.keks[id], err = cipher.NewGCM(block); err != nil {
			return nil, err
		}
		if w.current == "" {
			w.current = id
		}
	}
	if w.current == "" {
		return nil, errKEK
	}
	return w, nil
}

// Current names the key-encryption key in use, by the beginning of its hash.
func (w *Wrapper) Current() string { return w.current }

// IDs names all key-encryption keys of the file.
func (w *Wrapper) IDs() []string { return slices.Sorted(maps.Keys(w.keks)) }

// Wrap encrypts the secret of a key: the id of the KEK, a nonce, the ciphertext.
func (w *Wrapper) Wrap(id uuid.UUID, secret []byte) []byte {
	aead := w.keks[w.current]
	out := make([]byte, kekIDBytes+nonceBytes, kekIDBytes+nonceBytes+len(secret)+aead.Overhead())
	if _, err := hex.Decode(out, []byte(w.current)); err != nil {
		panic(err) // Parse made it
	}
	nonce := out[kekIDBytes:]
	rand.Read(nonce) // never fails (crypto/rand)
	return aead.Seal(out, nonce, secret, id[:])
}

// Unwrap decrypts what Wrap made for this key.
func (w *Wrapper) Unwrap(id uuid.UUID, wrapped []byte) ([]byte, error) {
	if len(wrapped) < kekIDBytes+nonceBytes {
		return nil, errors.New("a wrapped key is too short")
	}
	kek := hex.EncodeToString(wrapped[:kekIDBytes])
	aead, ok := w.keks[kek]
	if !ok {
		return nil, fmt.Errorf("the key-encryption key %s is not in the file", kek)
	}
	nonce := wrapped[kekIDBytes : kekIDBytes+nonceBytes]
	return aead.Open(nil, nonce, wrapped[kekIDBytes+nonceBytes:], id[:])
}
