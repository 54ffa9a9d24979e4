package pgserver

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/xi2/xz"
)

// builds are the versions that are downloaded, by major version. They are the
// archives that fergusstrange/embedded-postgres uses too; its fetcher is not
// exported, needs no checksum and trusts the paths in the archive.
var builds = map[int]string{
	15: "15.13.0",
	16: "16.9.0",
	17: "17.5.0",
	18: "18.3.0",
}

// newest is what a new cluster is made with.
const newest = 18

const (
	mavenCentral    = "https://repo1.maven.org/maven2"
	downloadTimeout = 10 * time.Minute
	maxArchive      = 256 << 20 // bytes; the archives have about 25 MB
)

// download fetches the binaries of a major version into dir, or finds them there
// from an earlier download. The archive must match the checksum beside it.
func download(ctx context.Context, repository, dir string, version int) (Binaries, error) {
	if version == 0 {
		version = newest
	}
	build, ok := builds[version]
	if !ok {
		return Binaries{}, &NotFoundError{Version: version}
	}
	home := filepath.Join(dir, "postgresql-"+build)
	bin := filepath.Join(home, "bin")
	if b, err := inspect(ctx, bin); err == nil {
		return b, nil
	}
	ctx, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()
	jar, err := fetchChecked(ctx, archiveURL(repository, build))
	if err == nil {
		err = unpackJar(jar, home)
	}
	if err != nil {
		return Binaries{}, fmt.Errorf("%w; the download failed too: %w", &NotFoundError{Version: version}, err)
	}
	return inspect(ctx, bin)
}

// archiveURL names the archive for this machine in the Maven layout.
func archiveURL(repository, build string) string {
	arch := runtime.GOARCH
	if arch == "arm64" {
		arch = "arm64v8"
	}
	if _, err := os.Stat("/etc/alpine-release"); err == nil {
		arch += "-alpine"
	}
	artifact := "embedded-postgres-binaries-" + runtime.GOOS + "-" + arch
	return fmt.Sprintf("%s/io/zonky/test/postgres/%s/%s/%s-%s.jar",
		strings.TrimSuffix(repository, "/"), artifact, build, artifact, build)
}

func fetchChecked(ctx context.Context, url string) ([]byte, error) {
	want, err := fetch(ctx, url+".sha256", 1<<10)
	if err != nil {
		return nil, err
	}
	body, err := fetch(ctx, url, maxArchive)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	if fields := strings.Fields(string(want)); len(fields) == 0 || !strings.EqualFold(fields[0], hex.EncodeToString(sum[:])) {
		return nil, fmt.Errorf("%s does not match its checksum", url)
	}
	return body, nil
}

func fetch(ctx context.Context, url string, limit int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", url, resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err == nil && int64(len(body)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", url, limit)
	}
	return body, err
}

// unpackJar extracts the .txz inside the jar to home, all or nothing.
func unpackJar(jar []byte, home string) error {
	archive, err := zip.NewReader(bytes.NewReader(jar), int64(len(jar)))
	if err != nil {
		return err
	}
	for _, f := range archive.File {
		if !strings.HasSuffix(f.Name, ".txz") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return err
		}
		defer r.Close()
		return unpackInto(r, home)
	}
	return errors.New("the archive holds no .txz")
}

// unpackInto extracts beside home and renames, so that a half unpacked home is
// never taken for a whole one. Whoever comes second finds it done.
func unpackInto(txz io.Reader, home string) error {
	if err := os.MkdirAll(filepath.Dir(home), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(home), "unpacking-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := unpack(txz, tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, home); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

// unpack extracts files, directories and links. os.Root refuses paths and links
// that lead out of dir.
func unpack(txz io.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	decompressed, err := xz.NewReader(txz, 0)
	if err != nil {
		return err
	}
	archive := tar.NewReader(decompressed)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := unpackOne(root, h, archive); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
}

func unpackOne(root *os.Root, h *tar.Header, content io.Reader) error {
	name := filepath.Clean(h.Name)
	if h.Typeflag == tar.TypeDir {
		return root.MkdirAll(name, 0o755)
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeSymlink:
		if !filepath.IsLocal(filepath.Join(filepath.Dir(name), h.Linkname)) {
			return errors.New("link leads out of the archive")
		}
		return root.Symlink(h.Linkname, name)
	case tar.TypeReg:
		f, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, os.FileMode(h.Mode)&0o755)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, content)
		return errors.Join(err, f.Close())
	}
	return nil
}
