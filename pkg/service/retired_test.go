package service_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/service"
)

// The file of retired keys holds public keys, one after the other; one with anything
// else stops the start, and says what is wrong and in which.
func TestParseRetired(t *testing.T) {
	t.Parallel()
	var file []byte
	var keys []ed25519.PublicKey
	for seed := range byte(2) {
		key := ed25519.NewKeyFromSeed(append(make([]byte, ed25519.SeedSize-1), seed)).Public().(ed25519.PublicKey)
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
		file = append(file, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})...)
	}
	found, err := service.ParseRetired(file)
	if err != nil || len(found) != 2 || !found[auth.KeyID(keys[0])].Equal(keys[0]) || !found[auth.KeyID(keys[1])].Equal(keys[1]) {
		t.Errorf("%v %v", found, err)
	}
	if found, err = service.ParseRetired(nil); err != nil || len(found) != 0 {
		t.Errorf("of none: %v %v", found, err)
	}
	for what, content := range map[string]string{
		"key 1 is not PEM": "secret", "key 3 is not PEM": string(file) + "x", "key 1:": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
	} {
		if _, err := service.ParseRetired([]byte(content)); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%q: %v", content, err)
		}
	}
}
