package pgserver

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// archive builds the jar that the repository serves: a zip with a tar.xz inside.
func archive(t *testing.T, entries ...tar.Header) []byte {
	t.Helper()
	var plain bytes.Buffer
	w := tar.NewWriter(&plain)
	for _, h := range entries {
		text := ""
		if h.Typeflag == tar.TypeReg {
			text = "#!/bin/sh\necho 'postgres (PostgreSQL) 18.3'\n"
		}
		h.Mode, h.Size = 0o755, int64(len(text))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("xz", "--compress", "--stdout")
	cmd.Stdin = &plain
	compressed, err := cmd.Output()
	if err != nil {
		t.Skipf("no xz to build an archive with: %v", err)
	}
	var jar bytes.Buffer
	z := zip.NewWriter(&jar)
	f, err := z.Create("postgres-linux-x86_64.txz")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(compressed); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return jar.Bytes()
}

// repository serves one archive at the place of the newest version.
func repository(t *testing.T, jar []byte, checksum string) string {
	t.Helper()
	path := strings.TrimPrefix(archiveURL("http://x", builds[newest]), "http://x")
	mux := http.NewServeMux()
	mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { w.Write(jar) })
	mux.HandleFunc(path+".sha256", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(checksum)) })
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

func sum(jar []byte) string {
	s := sha256.Sum256(jar)
	return hex.EncodeToString(s[:])
}

var programs = []tar.Header{
	{Name: "./bin/postgres", Typeflag: tar.TypeReg},
	{Name: "./bin/initdb", Typeflag: tar.TypeReg},
	{Name: "./lib/", Typeflag: tar.TypeDir},
	{Name: "./lib/libpq.so", Typeflag: tar.TypeSymlink, Linkname: "../bin/postgres"},
}

func TestDownload(t *testing.T) {
	t.Parallel()
	jar := archive(t, programs...)
	dir := t.TempDir()
	b, err := download(t.Context(), repository(t, jar, sum(jar)), dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	if b.Version != newest {
		t.Errorf("version %d", b.Version)
	}
	if _, err := os.Stat(filepath.Join(b.Dir, "..", "lib", "libpq.so")); err != nil {
		t.Error(err)
	}
	if _, err := download(t.Context(), "http://127.0.0.1:1", dir, 0); err != nil {
		t.Errorf("the second time it was not taken from the cache: %v", err)
	}
}

func TestDownload_refuses(t *testing.T) {
	t.Parallel()
	good := archive(t, programs...)
	outside := archive(t, tar.Header{Name: "../outside", Typeflag: tar.TypeReg})
	link := archive(t, tar.Header{Name: "bin/x", Typeflag: tar.TypeSymlink, Linkname: "../../outside"})
	for name, c := range map[string]struct {
		jar      []byte
		checksum string
	}{
		"another checksum":      {good, sum(outside)},
		"no checksum":           {good, ""},
		"not an archive":        {[]byte("hello"), sum([]byte("hello"))},
		"a path that leads out": {outside, sum(outside)},
		"a link that leads out": {link, sum(link)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if b, err := download(t.Context(), repository(t, c.jar, c.checksum), filepath.Join(dir, "cache"), 0); err == nil {
				t.Errorf("got %v", b)
			}
			if _, err := os.Lstat(filepath.Join(dir, "outside")); err == nil {
				t.Error("a file was written outside")
			}
			left, err := filepath.Glob(filepath.Join(dir, "cache", "*"))
			if err != nil || len(left) != 0 {
				t.Errorf("left %v, %v", left, err)
			}
		})
	}
}
