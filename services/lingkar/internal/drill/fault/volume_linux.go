package fault

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// The ioctl by which tests of file systems cut their power, from linux/fs.h and
// fs/ext4/ext4.h: nothing more reaches the disk, not even the journal.
const (
	fsShutdown = 0x8004587d // FS_IOC_SHUTDOWN
	noLogFlush = 2          // EXT4_GOING_FLAGS_NOLOGFLUSH
)

// shutDown ends the file system that is mounted at dir.
func shutDown(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.IoctlSetPointerInt(int(f.Fd()), fsShutdown, noLogFlush); err != nil {
		return fmt.Errorf("shut down the file system at %s: %w", dir, err)
	}
	return nil
}
