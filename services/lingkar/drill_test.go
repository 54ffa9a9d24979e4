package main_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDrill_refusals expects one clear line, an exit code that is not 0, and
// nothing left behind.
func TestDrill_refusals(t *testing.T) {
	t.Parallel()
	taken := t.TempDir()
	if err := os.WriteFile(filepath.Join(taken, "thesis.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(taken, 0o750); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if info, err := os.Stat(taken); err != nil || info.Mode().Perm() != 0o750 {
			t.Errorf("a directory that was refused was changed: %v, %v", info.Mode(), err)
		}
	})
	fresh := filepath.Join(t.TempDir(), "drill")
	cases := []struct {
		name, want string
		env        string
		args       []string
	}{
		{"a fault that there is not", `there is no fault "F99"`, "", []string{"--faults", "F01,F99"}},
		{"a fault of another build", "-tags drill", "", []string{"--faults", "F02"}},
		{"a directory in use", "not empty", "", []string{"--dir", taken}},
		{"no PostgreSQL", "initdb", "LINGKAR_PG_BIN=/nowhere", []string{"--dir", fresh}},
		{"a flag that there is not", "unknown flag", "", []string{"--fast"}},
		{"two lengths", "[short long soak", "", []string{"--short", "--long", "1m"}},
		{"faults in a soak", "without faults", "", []string{"--soak", "1m", "--faults", "F01"}},
		{"no replicas", "--replicas is 1 to 4", "", []string{"--replicas", "0"}},
		{"too many clients", "--clients is 1 to 200", "", []string{"--clients", "1000"}},
		{"a duration that is none", "invalid", "", []string{"--long", "soon"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(binary, append([]string{"drill", "--output", "json"}, c.args...)...)
			cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir(), c.env)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.want) || strings.Count(strings.TrimSpace(string(out)), "\n") > 0 {
				t.Errorf("%v, want one line with %q:\n%s", err, c.want, out)
			}
			if _, err := os.Stat(fresh); slices.Contains(c.args, fresh) && err == nil {
				t.Error("a half run was left behind")
			}
		})
	}
}

// TestDrill_interrupted ends a drill by Ctrl-C and another by kill -9, and expects
// no process of either to be left.
func TestDrill_interrupted(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			dir := dataDir(t)
			cmd := exec.Command(binary, "drill", "--dir", dir, "--long", "1h", "--faults", "F05")
			cmd.Stderr = &syncBuffer{}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = cmd.Process.Kill() }) // fails where it has ended, as it should
			patiently(t, "the services run", func() bool { return len(processesOf(t, dir)) > 3 })
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err == nil {
				t.Error("an interrupted drill ends by exit code 0")
			}
			patiently(t, "all processes have ended", func() bool { return len(processesOf(t, dir)) == 0 })
			if _, err := os.Stat(dir); err == nil && signal == syscall.SIGINT {
				t.Errorf("%s was left behind\n%s", dir, cmd.Stderr)
			}
		})
	}
}

// patiently waits for up to a minute and a half: a suite starts meanwhile.
func patiently(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(90 * time.Second); !holds(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// processesOf answers the command lines of the processes that name a directory, in
// their arguments or their environment, less the drill itself.
func processesOf(t *testing.T, dir string) []string {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(dirs) == 0 {
		t.Skip("there is no /proc here")
	}
	var found []string
	for _, proc := range dirs {
		line, err := os.ReadFile(proc + "/cmdline")
		if err != nil || bytes.Contains(line, []byte("\x00--dir\x00")) {
			continue // it has ended, or is the drill
		}
		env, _ := os.ReadFile(proc + "/environ") // of others it may be hidden
		if bytes.Contains(line, []byte(dir)) || bytes.Contains(env, []byte(dir)) {
			found = append(found, fmt.Sprintf("%s %q", proc, line))
		}
	}
	return found
}
