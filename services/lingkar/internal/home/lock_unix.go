//go:build unix

package home

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// Lock takes the directory for this process, until Unlock or the end of the
// process, however it ends. It answers *InUseError where another has it.
func (h *Home) Lock() error {
	file, err := os.OpenFile(h.Path("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		file.Close()
		state, _ := ReadState(h.dir) // absent while the other is still starting
		return &InUseError{Dir: h.dir, State: state}
	}
	if err != nil {
		file.Close()
		return err
	}
	h.lock = file
	_ = os.Remove(h.Path("state.json")) // of a suite that did not end cleanly
	return nil
}

// Unlock gives the directory back.
func (h *Home) Unlock() {
	_ = os.Remove(h.Path("state.json"))
	if h.lock != nil {
		h.lock.Close()
		h.lock = nil
	}
}

// Running tells whether a suite runs on the directory.
func Running(dir string) bool {
	file, err := os.Open(filepath.Join(dir, "lock"))
	if err != nil {
		return false
	}
	defer file.Close()
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err != nil {
		return errors.Is(err, syscall.EWOULDBLOCK)
	}
	_ = syscall.Flock(int(file.Fd()), syscall.LOCK_UN)
	return false
}
