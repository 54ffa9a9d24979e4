package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// SecretPrefix begins every secret (Standard Webhooks).
const SecretPrefix = "whsec_"

const (
	secretBytes = 32
	suffixChars = 4
)

// NewSecret answers the bytes of a new secret.
func NewSecret() []byte {
	secret := make([]byte, secretBytes)
	_, _ = rand.Read(secret) // never fails: the program ends where randomness does
	return secret
}

// SecretText is how a secret is told, and its end.
func SecretText(secret []byte) (text, suffix string) {
	text = SecretPrefix + base64.StdEncoding.EncodeToString(secret)
	return text, text[len(text)-suffixChars:]
}

// Sign answers the header webhook-signature of a message: one signature by each secret.
func Sign(secrets [][]byte, id string, at time.Time, body []byte) string {
	signatures := make([]string, len(secrets))
	for i, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		mac.Write(body)
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(signatures, " ")
}
