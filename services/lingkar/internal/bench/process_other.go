//go:build !linux

package bench

import (
	"errors"
	"syscall"
	"time"
)

var errNoProc = errors.New("processor time and memory are read from /proc, which Linux has")

// bound has no counterpart here: a child outlives a process that is killed.
func bound() *syscall.SysProcAttr { return nil }

func processorTime(int, bool) (time.Duration, error) { return 0, errNoProc }

func children(int) ([]int, error) { return nil, errNoProc }

func memory(int) (float64, error) { return 0, errNoProc }
