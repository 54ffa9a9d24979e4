package text_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"testing"
)

// sharedCSV reads a reference file that is kept beside the repository, with its
// header removed. Without it the test is skipped, in CI it fails.
func sharedCSV(t *testing.T, path ...string) [][]string {
	t.Helper()
	name := filepath.Join(append([]string{"..", "..", "..", "shared", "data"}, path...)...)
	f, err := os.Open(name)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("reference data: %v", err)
		}
		t.Skipf("put the reference data next to the repository to run this: %v", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	return rows[1:]
}
