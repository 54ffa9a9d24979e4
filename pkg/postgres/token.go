package postgres

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

const (
	tokenVersion  = 1
	tokenLifetime = 72 * time.Hour
	maxToken      = 16 << 10 // characters
	minPageKey    = 16       // bytes
)

// errToken is the answer to every token that we did not make for this very query:
// which of the reasons it was helps only who forges tokens.
var errToken = errs.Invalid("page_token", "PAGE_TOKEN_INVALID", "not a token of this list: start again without one")

// pageSeal makes page tokens that nobody else can make, read or use elsewhere.
// Within is a cursor; bound to it, as additional data of AES-GCM, is the query. A
// token is version, nonce and ciphertext in base64url.
type pageSeal struct {
	aead cipher.AEAD
	now  func() time.Time
}

// page is what a token holds.
type page struct {
	Expires int64 `json:"e"` // Unix seconds
	Cursor  []any `json:"k"`
}

func newPageSeal(key []byte, now func() time.Time) (*pageSeal, error) {
	if len(key) == 0 {
		key = make([]byte, sha256.Size)
		rand.Read(key)
	}
	if len(key) < minPageKey {
		return nil, fmt.Errorf("postgres: the page key has %d bytes; at least %d are needed", len(key), minPageKey)
	}
	derived, err := hkdf.Key(sha256.New, key, nil, "lingkar page token", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	if now == nil {
		now = time.Now
	}
	return &pageSeal{aead: aead, now: now}, nil
}

// seal answers the token of a cursor.
func (s *pageSeal) seal(cursor []any, binding []byte) (string, error) {
	return s.sealUntil(s.now().Add(tokenLifetime), cursor, binding)
}

func (s *pageSeal) sealUntil(expires time.Time, cursor []any, binding []byte) (string, error) {
	text, err := json.Marshal(page{Expires: expires.Unix(), Cursor: cursor})
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal([]byte{tokenVersion}, nil, text, binding)), nil
}

// open answers the cursor of a token that was sealed for this binding.
func (s *pageSeal) open(token string, binding []byte) ([]any, error) {
	// The decoder passes over line breaks: one token has one spelling.
	if len(token) > maxToken || strings.ContainsAny(token, "\r\n") {
		return nil, errToken
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) == 0 || raw[0] != tokenVersion {
		return nil, errToken
	}
	text, err := s.aead.Open(nil, nil, raw[1:], binding)
	if err != nil {
		return nil, errToken
	}
	var p page
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&p); err != nil || s.now().Unix() >= p.Expires {
		return nil, errToken
	}
	return p.Cursor, numbers(p.Cursor)
}

// numbers makes the numbers of a cursor int64, which all of them are.
func numbers(cursor []any) error {
	for i, v := range cursor {
		n, ok := v.(json.Number)
		if !ok {
			continue
		}
		value, err := n.Int64()
		if err != nil {
			return errToken
		}
		cursor[i] = value
	}
	return nil
}
