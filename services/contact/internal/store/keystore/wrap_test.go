package keystore_test

import (
	"bytes"
	"context"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store/keystore"
)

func kek(t testing.TB, lines ...string) *keystore.Wrapper {
	t.Helper()
	w, err := keystore.ParseKEK([]byte(strings.Join(lines, "\n") + "\n"))
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
	old := kek(t, first)
	wrapped := old.Wrap(id, secret)
	rotated := kek(t, second, first)
	got, err := rotated.Unwrap(id, wrapped)
	if err != nil || !bytes.Equal(got, secret) {
		t.Errorf("after a rotation: %v", err)
	}
	if rotated.Current() == old.Current() {
		t.Error("the rotation changed nothing")
	}
	if _, err := kek(t, second).Unwrap(id, wrapped); err == nil {
		t.Error("unwrapped without its KEK")
	}
}

// A file without the KEK of a stored key is told from one that holds it beside
// others.
func TestWrapper_missing(t *testing.T) {
	t.Parallel()
	definition := service.Definition{Name: "contact", Databases: map[string]fs.FS{"keys": keystore.Migrations}}
	urls := testkit.Database(t, "keys", func(ctx context.Context, ownerURL string) error {
		return service.MigrateFurther(ctx, definition, "keys", ownerURL)
	}, keystore.Migrations)
	db, old := testkit.Open(t, urls), kek(t, first)
	missing := func(w *keystore.Wrapper) string {
		t.Helper()
		id, err := w.Missing(t.Context(), db.App)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	if id := missing(kek(t, second)); id != "" {
		t.Errorf("%s is missing, and no key is stored", id)
	}
	if _, err := keystore.New(db.App, db, old, time.Now).Take(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if id := missing(old); id != "" {
		t.Errorf("%s is missing where it is the one in use", id)
	}
	if id := missing(kek(t, second, first)); id != "" {
		t.Errorf("%s is missing after a rotation", id)
	}
	if id := missing(kek(t, second)); id != old.Current() {
		t.Errorf("%q is missing, want %s", id, old.Current())
	}
}

func TestWrapper_tampered(t *testing.T) {
	t.Parallel()
	id, w := uuid.New(), kek(t, first)
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

func TestParseKEK_refuses(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"", "\n", "xyz", first[:62], first + "00", first + "\nnot hex"} {
		if _, err := keystore.ParseKEK([]byte(file)); err == nil {
			t.Errorf("%.10q is taken for a key", file)
		}
	}
}
