package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// bound makes the kernel end a child, in order, when this process is gone: killed, or
// its terminal closed.
func bound() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGINT} }

// tick is the unit of /proc/PID/stat: a hundredth of a second on every Linux that
// Go runs on.
const tick = 10 * time.Millisecond

// processorTime answers the user and system time of a process, and of those of
// its children that ended where ended is set.
func processorTime(pid int, ended bool) (time.Duration, error) {
	fields, err := stat(pid)
	if err != nil {
		return 0, err
	}
	last := 13
	if ended {
		last = 15
	}
	var total time.Duration
	for _, field := range fields[11:last] {
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, err
		}
		total += time.Duration(n) * tick
	}
	return total, nil
}

// stat answers the fields after the name of the program.
func stat(pid int) ([][]byte, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	return bytes.Fields(raw[bytes.LastIndexByte(raw, ')')+1:]), nil
}

// children answers the processes that a process started.
func children(pid int) ([]int, error) {
	names, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	var found []int
	for _, name := range names {
		child, err := strconv.Atoi(filepath.Base(name))
		if err != nil {
			continue
		}
		fields, err := stat(child)
		if err == nil && string(fields[1]) == strconv.Itoa(pid) { // an error says that it ended
			found = append(found, child)
		}
	}
	return found, nil
}

// memory answers the resident memory of a process in megabytes.
func memory(pid int) (float64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	pages, err := strconv.ParseFloat(string(bytes.Fields(raw)[1]), 64)
	return pages * float64(os.Getpagesize()) / 1e6, err
}
