//go:build unix

package pgserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const orphanPatience = 20 * time.Second

// stopOrphan ends a server that a killed parent left running on the cluster. We
// hold the lock of the directory, so nobody else uses it.
func stopOrphan(data string) error {
	file := filepath.Join(data, "postmaster.pid")
	pid := readPID(file)
	if pid == 0 {
		return nil
	}
	if !isPostmaster(pid, data) {
		// The machine was restarted and the number belongs to somebody else, or to
		// nobody; PostgreSQL would refuse to start if it were the former.
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("pgserver: stopping the server left behind (process %d): %w", pid, err)
		}
		for end := time.Now().Add(orphanPatience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if !isPostmaster(pid, data) {
				return nil
			}
		}
	}
	return fmt.Errorf("pgserver: the server left behind (process %d) does not stop", pid)
}

// isPostmaster reports whether the process runs, and was started on this data
// directory.
func isPostmaster(pid int, data string) bool {
	return strings.Contains(commandLine(pid), " -D "+data+" ")
}
