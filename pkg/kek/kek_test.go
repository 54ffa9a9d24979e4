package kek_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/kek"
)

func wrapper(t testing.TB, lines ...string) *kek.Wrapper {
	t.Helper()
	w, err := kek.Parse([]byte(strings.Join(lines, "\n") + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

var (
	first  = strings.Repeat("0a", 32)
	second = strings.Repeat("0b", 32)
	secret = []byte("thirty-two bytes of no great use")
)

// A key that was wrapped before a rotation is unwrapped as long as its KEK is in
// the file, and no longer.
func TestWrapper_rotation(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	old := wrapper(t, first)
	wrapped := old.Wrap(id, secret)
	rotated := wrapper(t, second, first)
	got, err := rotated.Unwrap(id, wrapped)
	if err != nil || !bytes.Equal(got, secret) {
		t.Errorf("after a rotation: %v", err)
	}
	if rotated.Current() == old.Current() {
		t.Error("the rotation changed nothing")
	}
	if _, err := wrapper(t, second).Unwrap(id, wrapped); err == nil {
		t.Error("unwrapped without its KEK")
	}
}

func TestWrapper_tampered(t *testing.T) {
	t.Parallel()
	id, w := uuid.New(), wrapper(t, first)
	wrapped := w.Wrap(id, secret)
	if bytes.Contains(wrapped, secret) {
		t.Fatal("not encrypted")
	}
	if _, err := w.Unwrap(uuid.New(), wrapped); err == nil {
		t.Error("unwrapped as another key")
	}
	for i := range wrapped {
		spoilt := bytes.Clone(wrapped)
		spoilt[i] ^= 1
		if _, err := w.Unwrap(id, spoilt); err == nil {
			t.Errorf("unwrapped with byte %d changed", i)
		}
	}
	for n := range len(wrapped) {
		if _, err := w.Unwrap(id, wrapped[:n]); err == nil {
			t.Errorf("unwrapped from %d bytes", n)
		}
	}
}

func TestParse_refuses(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"", "\n", "xyz", first[:62], first + "00", first + "\nnot hex"} {
		if _, err := kek.Parse([]byte(file)); err == nil {
			t.Errorf("%.10q is taken for a key", file)
		}
	}
}
