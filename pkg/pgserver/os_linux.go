package pgserver

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// memoryLimit is where the kernel tells how much memory a container may take.
const memoryLimit = "/sys/fs/cgroup/memory.max"

// memory answers how many bytes of memory there are for us, or 0 where that is not
// told.
func memory() uint64 {
	var info syscall.Sysinfo_t
	if syscall.Sysinfo(&info) != nil {
		return 0
	}
	all := uint64(info.Totalram) * uint64(info.Unit)
	text, err := os.ReadFile(memoryLimit)
	if err != nil {
		return all // no container
	}
	limit, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return all // "max"
	}
	return min(all, limit)
}

// bindToParent makes the kernel ask the child for a fast shutdown when we die.
func bindToParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGINT }

// commandLine answers what a process was started as, or "".
func commandLine(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return ""
	}
	return string(bytes.ReplaceAll(text, []byte{0}, []byte{' '}))
}
