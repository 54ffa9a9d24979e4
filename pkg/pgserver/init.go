//go:build unix

package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/durable"
)

// ctypes are the character types a cluster is made with, the best first: they
// decide what is a letter, for full text search. Comparison is always that of
// bytes (collation C), so that order is the same everywhere.
var ctypes = []string{"C.UTF-8", "en_US.UTF-8", "C"}

// initCluster makes a cluster in dir/data. It works beside and renames, so that
// a start that was interrupted leaves nothing that looks like a cluster.
func initCluster(ctx context.Context, bin Binaries, dir, password string, a *account, o Options) error {
	if err := a.canReach(dir); err != nil {
		return err
	}
	work := filepath.Join(dir, "initdb")
	if err := os.RemoveAll(work); err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := a.mkdir(work); err != nil {
		return err
	}
	secret := filepath.Join(work, "secret")
	if err := a.writeFile(secret, password); err != nil {
		return err
	}
	fresh := filepath.Join(work, "data")
	var failed error
	for _, ctype := range ctypes {
		if err := os.RemoveAll(fresh); err != nil {
			return err
		}
		failed = runInitdb(ctx, bin, fresh, secret, ctype, a, o.UnsafeFast)
		if failed == nil {
			return install(fresh, filepath.Join(dir, "data"))
		}
	}
	return failed
}

func runInitdb(ctx context.Context, bin Binaries, data, secret, ctype string, a *account, unsafe bool) error {
	args := []string{
		"--pgdata", data, "--username", Superuser, "--pwfile", secret,
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--lc-ctype", ctype,
		"--data-checksums", "--no-instructions",
	}
	if unsafe {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin.Dir, "initdb"), args...)
	cmd.Env = environment()
	cmd.Dir = filepath.Dir(data)
	cmd.SysProcAttr = a.attributes()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("pgserver: initdb: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// install moves a fresh cluster to its place, where at most an empty directory
// may be.
func install(fresh, data string) error {
	if err := os.Remove(data); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(fresh, data); err != nil {
		return err
	}
	return durable.SyncDir(filepath.Dir(data))
}

// environment is small on purpose: PG* variables of the caller must not change
// what the server does.
func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
}
