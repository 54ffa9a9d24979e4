package main_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lingkar-crm/lingkar/services/lingkar/internal/home"
)

// Services call one another through memory: of the process of `up` nothing can be reached
// but the two ports of the gateway and those for operators.
func TestUp_opensNoOtherPorts(t *testing.T) {
	t.Parallel()
	s := up(t, dataDir(t))
	state, err := home.ReadState(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{state.HTTP, state.GRPC}
	for _, address := range state.Private {
		want = append(want, address)
	}
	for i, address := range want {
		_, port, err := net.SplitHostPort(address[strings.LastIndexByte(address, '/')+1:])
		if err != nil {
			t.Fatal(err)
		}
		want[i] = port
	}
	slices.Sort(want)
	if got := listening(t, s.cmd.Process.Pid); !slices.Equal(got, want) {
		t.Errorf("ports %v are open, want %v", got, want)
	}
	s.stop(t)
}

// listening answers the TCP ports that a process listens on.
func listening(t *testing.T, pid int) []string {
	t.Helper()
	own := map[string]bool{}
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil || len(files) == 0 {
		t.Fatalf("the files of process %d: %v, err %v", pid, files, err)
	}
	for _, file := range files {
		target, _ := os.Readlink(file) // one that was closed meanwhile
		own[target] = true
	}
	var ports []string
	for _, family := range []string{"tcp", "tcp6"} {
		table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, family))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(table)) {
			f := strings.Fields(line)
			const listens = "0A"
			if len(f) < 10 || f[3] != listens || !own["socket:["+f[9]+"]"] {
				continue
			}
			port, err := strconv.ParseUint(f[1][strings.LastIndexByte(f[1], ':')+1:], 16, 16)
			if err != nil {
				t.Fatal(err)
			}
			ports = append(ports, strconv.FormatUint(port, 10))
		}
	}
	slices.Sort(ports)
	return ports
}
