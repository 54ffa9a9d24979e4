package cluster

import "syscall"

// attributes put a child into a group of its own, so that Ctrl-C is for the drill
// alone, and let the kernel kill it with the drill.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
