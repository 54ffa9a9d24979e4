package testkit

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestKeep_endsWithItsLastClient(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "testkit-keep-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	client, err := lockFile(dir, "clients", syscall.LOCK_SH)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- keep(dir, 500*time.Millisecond) }()
	for !exists(filepath.Join(dir, "url")) {
		select {
		case err := <-ended:
			t.Fatalf("ended before it was ready: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	select {
	case err := <-ended:
		t.Fatalf("ended under a client: %v", err)
	case <-time.After(1500 * time.Millisecond):
	}
	client.Close()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("still runs without clients")
	}
	if exists(filepath.Join(dir, "url")) || exists(filepath.Join(dir, "cluster")) || kept(dir) {
		t.Error("something was left behind")
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
