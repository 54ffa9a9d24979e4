//go:build unix && !linux

package cluster

import "syscall"

// attributes put a child into a group of its own, so that Ctrl-C is for the drill
// alone. This system cannot bind the child to the drill's life.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
