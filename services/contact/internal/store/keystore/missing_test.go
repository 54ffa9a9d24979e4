package keystore_test

import (
	"context"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/kek"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store/keystore"
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
)

// A file without the KEK of a stored key is told from one that holds it beside
// others.
func TestMissing(t *testing.T) {
	t.Parallel()
	definition := service.Definition{Name: "contact", Databases: map[string]fs.FS{"keys": keystore.Migrations}}
	urls := testkit.Database(t, "keys", func(ctx context.Context, ownerURL string) error {
		return service.MigrateFurther(ctx, definition, "keys", ownerURL)
	}, keystore.Migrations)
	db, old := testkit.Open(t, urls), wrapper(t, first)
	missing := func(w *kek.Wrapper) string {
		t.Helper()
		id, err := keystore.Missing(t.Context(), db.App, w)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	if id := missing(wrapper(t, second)); id != "" {
		t.Errorf("%s is missing, and no key is stored", id)
	}
	if _, err := keystore.New(db.App, db, old, time.Now).Take(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if id := missing(old); id != "" {
		t.Errorf("%s is missing where it is the one in use", id)
	}
	if id := missing(wrapper(t, second, first)); id != "" {
		t.Errorf("%s is missing after a rotation", id)
	}
	if id := missing(wrapper(t, second)); id != old.Current() {
		t.Errorf("%q is missing, want %s", id, old.Current())
	}
}
