// Package durable writes files that are still there, and whole, after the power was
// cut: passwords, keys, certificates.
//
// What it has returned from is on the disk, the file's content and its name. A
// reader, or a start after a power cut, finds the old file or the new one, never an
// empty one or half of one. That costs two waits for the disk, so it is for small
// files that are written seldom.
//
// It can promise as much as the file system and the disk do that say they have
// synced. Windows does not sync directories: there a new name may be lost.
package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// WriteFile makes or replaces a file, with exactly this mode whatever the umask is.
// Its directory must exist. The new file belongs to the current user, also where the
// old one did not.
func WriteFile(path string, content []byte, mode fs.FileMode) error {
	dir := filepath.Dir(path)
	fresh, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(fresh.Name()) // in vain where it got its name
	_, err = fresh.Write(content)
	if err = errors.Join(err, fresh.Chmod(mode), fresh.Sync(), fresh.Close()); err != nil {
		return err
	}
	if err := os.Rename(fresh.Name(), path); err != nil {
		return err
	}
	return SyncDir(dir)
}

// MkdirAll makes a directory and those above it that are missing, as os.MkdirAll
// does.
func MkdirAll(dir string, mode fs.FileMode) error {
	info, err := os.Stat(dir)
	if err == nil && info.IsDir() {
		return nil
	}
	above := filepath.Dir(dir)
	if above != dir {
		if err := MkdirAll(above, mode); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return err
	}
	return SyncDir(above)
}

// SyncDir waits until the names in a directory are on the disk: after something in
// it was made, renamed or removed.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
