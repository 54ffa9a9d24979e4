//go:build unix && !linux

package pgserver

import (
	"os/exec"
	"strconv"
	"syscall"
)

// bindToParent does nothing: this system cannot. The next start stops what is
// left behind.
func bindToParent(*syscall.SysProcAttr) {}

// commandLine answers what a process was started as, or "".
func commandLine(pid int) string {
	out, err := exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return ""
	}
	return string(out)
}

// memory answers 0: how much there is, is not asked here.
func memory() uint64 { return 0 }
