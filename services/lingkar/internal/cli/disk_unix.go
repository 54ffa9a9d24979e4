//go:build unix

package cli

import (
	"path/filepath"
	"syscall"
)

// freeBytes answers the room left on the disk of dir, or of the nearest directory
// above it that exists.
func freeBytes(dir string) (uint64, error) {
	var fs syscall.Statfs_t
	for {
		err := syscall.Statfs(dir, &fs)
		if err == nil {
			return fs.Bavail * uint64(fs.Bsize), nil
		}
		parent := filepath.Dir(dir)
		if err != syscall.ENOENT || parent == dir {
			return 0, err
		}
		dir = parent
	}
}
