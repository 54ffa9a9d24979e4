package home_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lingkar-crm/lingkar/services/lingkar/internal/home"
)

func open(t *testing.T, dir string) *home.Home {
	t.Helper()
	h, err := home.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestSecondLock expects a second suite on one directory to be told who has it.
func TestSecondLock(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	first := open(t, dir)
	if err := first.Lock(); err != nil {
		t.Fatal(err)
	}
	if err := first.WriteText("token", "t"); err != nil {
		t.Fatal(err)
	}
	if err := first.WriteState(home.State{HTTP: "http://127.0.0.1:1"}); err != nil {
		t.Fatal(err)
	}
	var inUse *home.InUseError
	if err := open(t, dir).Lock(); !errors.As(err, &inUse) || inUse.State.PID != os.Getpid() {
		t.Fatalf("second lock: %v", err)
	}
	if !home.Running(dir) {
		t.Error("Running says no")
	}
	first.Unlock()
	if home.Running(dir) {
		t.Error("Running says yes after Unlock")
	}
	if err := open(t, dir).Lock(); err != nil {
		t.Errorf("after Unlock: %v", err)
	}
}

// TestSecretsStay expects the same secret again, for its owner only.
func TestSecretsStay(t *testing.T) {
	t.Parallel()
	h := open(t, filepath.Join(t.TempDir(), "data"))
	a, err := h.Secret("page.key", 32)
	if err != nil {
		t.Fatal(err)
	}
	b, err := h.Secret("page.key", 32)
	if err != nil || !bytes.Equal(a, b) {
		t.Fatalf("second time: %v", err)
	}
	info, err := os.Stat(h.Path("secrets", "page.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(h.Path("secrets", "page.key"), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Secret("page.key", 32); err == nil {
		t.Error("a damaged secret is taken")
	}
}

// TestKey expects a key that stored data needs to be made at first, and never again
// once the suite was up.
func TestKey(t *testing.T) {
	t.Parallel()
	h := open(t, filepath.Join(t.TempDir(), "data"))
	first, err := h.Key("keys_kek", 32)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.WriteText(home.Introduced, "tenants/1"); err != nil {
		t.Fatal(err)
	}
	if again, err := h.Key("keys_kek", 32); err != nil || !bytes.Equal(first, again) {
		t.Errorf("second time: %v", err)
	}
	if err := os.Remove(h.SecretPath("keys_kek")); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Key("keys_kek", 32); err == nil || !strings.Contains(err.Error(), h.SecretPath("keys_kek")) || !strings.Contains(err.Error(), "restore") {
		t.Errorf("a lost key answers %v", err)
	}
	if _, err := os.Stat(h.SecretPath("keys_kek")); err == nil {
		t.Error("a lost key was made anew")
	}
}

// TestForeignDirectory expects a directory with other things in it to be left
// alone.
func TestForeignDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := home.Open(dir); err == nil {
		t.Error("opened")
	}
}
