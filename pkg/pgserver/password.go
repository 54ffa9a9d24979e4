//go:build unix

package pgserver

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/durable"
)

// errPassword says that the cluster has another password than the file.
var errPassword = errors.New("pgserver: the cluster was made with another password")

func passwordPath(dir string) string { return filepath.Join(dir, "password") }

// readPassword answers the superuser's password, "" where the file is missing or
// empty, or all zeros, as some file systems leave it after a power cut. It lies
// beside the cluster, readable for the owner of the directory only.
func readPassword(dir string) (string, error) {
	text, err := os.ReadFile(passwordPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(bytes.Trim(text, "\x00 \r\n")), err
}

// newPassword makes a password and keeps it once it is set.
func newPassword(dir string, set func(password string) error) (string, error) {
	password := rand.Text()
	if err := set(password); err != nil {
		return "", err
	}
	return password, durable.WriteFile(passwordPath(dir), []byte(password+"\n"), 0o600)
}

// alone runs one statement on the cluster in single-user mode, which asks for no
// password: who may read the files of a cluster owns it. No server may run on it.
func alone(ctx context.Context, bin Binaries, data string, a *account, statement string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(bin.Dir, "postgres"), "--single", "-D", data,
		"-c", "exit_on_error=on", "-c", "log_min_error_statement=panic", "postgres")
	cmd.Env = environment()
	cmd.Dir = "/"
	cmd.SysProcAttr = a.attributes()
	cmd.Stdin = strings.NewReader(statement + "\n")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("pgserver: setting a new password in place of the lost one: %w: %s", err, strings.TrimSpace(out.String()))
	}
	return nil
}
