package secrets_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/services/lingkar/internal/secrets"
)

// TestLostKEK expects a tree whose key-encryption key is gone to be refused, and the
// key not to be made anew.
func TestLostKEK(t *testing.T) {
	t.Parallel()
	tree := secrets.Tree{Dir: t.TempDir(), Postgres: "127.0.0.1:5432"}
	kek := filepath.Join(tree.Dir, "contact", secrets.KEK)
	for range 2 { // made again, a whole tree stays as it is
		if _, err := tree.Make(time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(kek); err != nil {
		t.Fatal(err)
	}
	_, err := tree.Make(time.Now())
	if err == nil || !strings.Contains(err.Error(), kek) || strings.Contains(err.Error(), "\n") {
		t.Errorf("a lost key-encryption key answers %v", err)
	}
	if _, err := os.Stat(kek); err == nil {
		t.Error("it was made anew")
	}
	if err := os.Remove(filepath.Join(tree.Dir, "contact", secrets.KeysURL)); err != nil {
		t.Fatal(err)
	}
	if _, err := tree.Make(time.Now()); err != nil {
		t.Errorf("where no contact was ever stored: %v", err)
	}
}
