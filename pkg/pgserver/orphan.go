//go:build unix

package pgserver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/durable"
)

const orphanPatience = 20 * time.Second

// errStillInUse is PostgreSQL's own guard: processes of an earlier server still have
// the cluster's shared memory.
var errStillInUse = errors.New("pgserver: processes of a killed server still use the data directory")

// stopOrphan ends a server that a killed parent left running on the cluster. We
// hold the lock of the directory, so nobody else uses it.
func stopOrphan(data string) error {
	file := filepath.Join(data, "postmaster.pid")
	pid := readPID(file)
	if pid == 0 {
		return nil
	}
	if !isPostmaster(pid, data) {
		return disown(file)
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

// disown puts our own number in the place of one that is nobody's, or somebody
// else's since the machine was restarted: PostgreSQL would refuse to start for the
// latter. The rest of the file stays, by which PostgreSQL finds out whether
// processes of the earlier server still live; it takes no offence at its parent.
func disown(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(string(text), "\n")
	return durable.WriteFile(file, []byte(strconv.Itoa(os.Getpid())+"\n"+rest), 0o644)
}

// isPostmaster reports whether the process runs, and was started on this data
// directory.
func isPostmaster(pid int, data string) bool {
	return strings.Contains(commandLine(pid), " -D "+data+" ")
}
