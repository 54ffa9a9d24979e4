package pgserver

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

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
