package pgserver

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// program writes an executable that prints one line.
func program(t *testing.T, path, line string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho '"+line+"'\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestInspect(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		says string
		want int
	}{
		"debian":    {"postgres (PostgreSQL) 16.4 (Debian 16.4-1)", 16},
		"beta":      {"postgres (PostgreSQL) 19beta1", 19},
		"too old":   {"postgres (PostgreSQL) 14.12", 0},
		"something": {"hello", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			program(t, filepath.Join(dir, "initdb"), "")
			program(t, filepath.Join(dir, "postgres"), c.says)
			b, err := inspect(t.Context(), dir)
			if b.Version != c.want || (err == nil) != (c.want != 0) {
				t.Errorf("version %d, %v; want %d", b.Version, err, c.want)
			}
		})
	}
}

func TestFind_takesTheNamedDirectoryOnly(t *testing.T) {
	t.Setenv("LINGKAR_PG_BIN", t.TempDir())
	if b, err := Find(context.Background(), 0); err == nil {
		t.Errorf("found %s although LINGKAR_PG_BIN is empty", b.Dir)
	}
}

func TestFind_saysHowToInstall(t *testing.T) {
	t.Setenv("LINGKAR_PG_BIN", "")
	_, err := Find(context.Background(), 999)
	var missing *NotFoundError
	if !errors.As(err, &missing) || !strings.Contains(err.Error(), "install") {
		t.Errorf("err %v", err)
	}
}
