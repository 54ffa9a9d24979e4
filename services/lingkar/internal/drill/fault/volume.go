package fault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
)

// volume is a file system of its own, ext4 in a file: it can be ended as by a power
// cut, and it can be full. What a program has written and not synced is in the
// memory of the mount, and so not in the file.
type volume struct {
	size       string
	dir, image string
}

// The files are sparse: they take what is used.
func newVolumes() map[string]*volume {
	return map[string]*volume{cluster.PostgresName: {size: "3G"}, cluster.WALName: {size: "3G"}, cluster.BrokerName: {size: "1G"}}
}

// possible answers why there can be no such volume here, or nil.
func (v *volume) possible() error {
	if os.Geteuid() != 0 {
		return errors.New("only root can mount a file system")
	}
	for _, program := range []string{"mkfs.ext4", "mount", "umount", "losetup", "fallocate"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is not installed", program)
		}
	}
	if out, err := exec.Command("losetup", "--find").CombinedOutput(); err != nil {
		return fmt.Errorf("there is no loop device: %s", bytes.TrimSpace(out))
	}
	return nil
}

// Mount implements cluster.Volume.
func (v *volume) Mount(ctx context.Context, dir string) error {
	v.dir, v.image = dir, dir+".img"
	return errors.Join(
		run(ctx, "truncate", "-s", v.size, v.image),
		run(ctx, "mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1", v.image),
		v.mount(ctx))
}

func (v *volume) mount(ctx context.Context) error {
	if err := run(ctx, "mount", "-o", "loop", v.image, v.dir); err != nil {
		return err
	}
	return os.Chmod(v.dir, 0o755)
}

// Unmount implements cluster.Volume. A process that was killed may take a moment
// to let go of its files.
func (v *volume) Unmount(ctx context.Context) error {
	var err error
	for range 50 {
		if err = run(ctx, "umount", v.dir); err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return err
}

// cut ends the file system in an instant, as a power cut does: what was not synced
// by then is gone, and whoever uses it is answered by errors until restore.
func (v *volume) cut() error { return shutDown(v.dir) }

// restore mounts the volume again, as after a restart of the machine. Nobody may use
// it.
func (v *volume) restore(ctx context.Context) error {
	if err := v.Unmount(ctx); err != nil {
		return err
	}
	return v.mount(ctx)
}

// spare is what fill writes block by block, in KiB: to reserve the whole rest at
// once is refused.
const spare = 16 << 10

func (v *volume) ballast() string { return filepath.Join(v.dir, "ballast") }

// fill takes all space that is left.
func (v *volume) fill(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "df", "--output=avail", "-k", v.dir).Output()
	if err != nil {
		return err
	}
	fields := strings.Fields(string(out))
	left, err := strconv.Atoi(fields[len(fields)-1])
	if err != nil {
		return err
	}
	if left > spare {
		if err := run(ctx, "fallocate", "-l", strconv.Itoa(left-spare)+"KiB", v.ballast()); err != nil {
			return err
		}
	}
	file, err := os.OpenFile(v.ballast(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	for block := make([]byte, 64<<10); err == nil; {
		_, err = file.Write(block)
	}
	if errors.Is(err, syscall.ENOSPC) {
		return nil
	}
	return err
}

// free gives the space back.
func (v *volume) free() error {
	err := os.Remove(v.ballast())
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

func run(ctx context.Context, name string, args ...string) error {
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	return nil
}
