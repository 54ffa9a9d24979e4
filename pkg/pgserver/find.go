package pgserver

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"sort"
	"strconv"
	"strings"
)

// places are where distributions and installers put the binaries.
var places = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/opt/homebrew/opt/postgresql@*/bin",
	"/usr/local/opt/postgresql@*/bin",
	"/opt/homebrew/opt/postgresql/bin",
	"/usr/local/opt/postgresql/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
	"/usr/local/pgsql/bin",
}

// Binaries are the programs of one installation of PostgreSQL.
type Binaries struct {
	// Dir holds initdb and postgres.
	Dir string
	// Version is the major version.
	Version int
}

// NotFoundError says that no usable PostgreSQL is installed.
type NotFoundError struct {
	// Version is the major version that was asked for, or 0 for any.
	Version int
}

// Error implements error, and says how to install one.
func (e *NotFoundError) Error() string {
	want := fmt.Sprintf("PostgreSQL %d or newer", MinVersion)
	install := "15"
	if e.Version > 0 {
		want = fmt.Sprintf("PostgreSQL %d, which made this data directory,", e.Version)
		install = strconv.Itoa(e.Version)
	}
	line := "apt-get install postgresql-" + install
	if runtime.GOOS == "darwin" {
		line = "brew install postgresql@" + install
	}
	return fmt.Sprintf("pgserver: %s was not found: run `%s`, or set LINGKAR_PG_BIN to the directory of initdb and postgres", want, line)
}

// Find looks for installed binaries in $LINGKAR_PG_BIN, in what pg_config names
// and in the usual places, and answers the newest of at least MinVersion. A
// version other than 0 asks for that major version: a cluster runs under the
// version that made it only. A LINGKAR_PG_BIN that does not serve is an error,
// not passed over.
func Find(ctx context.Context, version int) (Binaries, error) {
	if dir := os.Getenv("LINGKAR_PG_BIN"); dir != "" {
		return inspect(ctx, dir)
	}
	var found []Binaries
	for _, dir := range candidates(ctx) {
		b, err := inspect(ctx, dir)
		if err == nil && (version == 0 || b.Version == version) {
			found = append(found, b)
		}
	}
	if len(found) == 0 {
		return Binaries{}, &NotFoundError{Version: version}
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].Version > found[j].Version })
	return found[0], nil
}

func candidates(ctx context.Context) []string {
	var dirs []string
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for _, place := range places {
		matches, err := filepath.Glob(place)
		if err == nil {
			dirs = append(dirs, matches...)
		}
	}
	return dirs
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// inspect asks the binaries of a directory for their version. An installation of
// the client only has no postgres, and is refused.
func inspect(ctx context.Context, dir string) (Binaries, error) {
	if _, err := exec.LookPath(filepath.Join(dir, "initdb")); err != nil {
		return Binaries{}, fmt.Errorf("pgserver: no initdb in %s: %w", dir, err)
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return Binaries{}, fmt.Errorf("pgserver: no postgres in %s: %w", dir, err)
	}
	m := versionPattern.FindSubmatch(out)
	if m == nil {
		return Binaries{}, fmt.Errorf("pgserver: %s says %q, not a version of PostgreSQL", dir, out)
	}
	version, err := strconv.Atoi(string(m[1]))
	if err != nil || version < MinVersion {
		return Binaries{}, fmt.Errorf("pgserver: %s holds PostgreSQL %s, but %d is needed", dir, m[1], MinVersion)
	}
	return Binaries{Dir: dir, Version: version}, nil
}
