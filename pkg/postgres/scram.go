package postgres

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
)

// scramIterations is PostgreSQL's default.
const scramIterations = 4096

// printable is what a role's password may be made of: for these characters
// SASLprep (RFC 4013) changes nothing.
var printable = regexp.MustCompile(`^[!-~]+$`)

// scramVerifier makes what PostgreSQL stores of a password (RFC 5803), so that
// the password itself stays out of the server's log.
func scramVerifier(password string) (string, error) {
	if !printable.MatchString(password) {
		return "", errors.New("a password must be printable ASCII without spaces, and not empty")
	}
	salt := make([]byte, 16)
	rand.Read(salt)
	salted, err := pbkdf2.Key(sha256.New, password, salt, scramIterations, sha256.Size)
	if err != nil {
		return "", err
	}
	mac := func(text string) []byte {
		h := hmac.New(sha256.New, salted)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	stored := sha256.Sum256(mac("Client Key"))
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", scramIterations, b64(salt), b64(stored[:]), b64(mac("Server Key"))), nil
}
