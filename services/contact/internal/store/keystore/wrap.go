package keystore

import (
	"bytes"
	"context"
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
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
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

// ParseKEK reads a file of key-encryption keys: one a line, 32 bytes in hexadecimal,
// the one in use first.
func ParseKEK(file []byte) (*Wrapper, error) {
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

// Missing answers the id of a key-encryption key under which keys are stored and that
// the wrapper does not have; "" where it has them all.
func (w *Wrapper) Missing(ctx context.Context, keys *pgxpool.Pool) (string, error) {
	have := slices.Collect(maps.Keys(w.keks))
	var missing string
	err := keys.QueryRow(ctx, "SELECT kek FROM contact_key WHERE kek <> ALL ($1) LIMIT 1", have).Scan(&missing)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return missing, postgres.SQLError(err)
}

// Wrap encrypts the secret of a key: the id of the KEK, a nonce, the ciphertext.
func (w *Wrapper) Wrap(id uuid.UUID, secret []byte) []byte {
	aead := w.keks[w.current]
	out := make([]byte, kekIDBytes+nonceBytes, kekIDBytes+nonceBytes+len(secret)+aead.Overhead())
	if _, err := hex.Decode(out, []byte(w.current)); err != nil {
		panic(err) // ParseKEK made it
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
