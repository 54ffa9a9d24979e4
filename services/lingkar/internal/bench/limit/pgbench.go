package limit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/pgserver"
)

// serverVersion is that of the embedded PostgreSQL.
const serverVersion = 15

// FindPgbench answers where pgbench is, which PostgreSQL brings along; "" where it
// is not installed.
func FindPgbench(ctx context.Context) string {
	if found, err := pgserver.Find(ctx, serverVersion); err == nil {
		if program := filepath.Join(found.Dir, "pgbench"); executable(program) {
			return program
		}
	}
	program, err := exec.LookPath("pgbench")
	if err != nil {
		return ""
	}
	return program
}

func executable(program string) bool {
	info, err := os.Stat(program)
	return err == nil && info.Mode()&0o111 != 0
}

// tps is how pgbench says what it reached.
var tps = regexp.MustCompile(`(?m)^tps = ([0-9.]+) \(without initial connection time\)`)

// Pgbench lets pgbench call the function of a sample over so many connections, and
// answers calls a second. It counts in whole seconds.
func (w *Writes) Pgbench(ctx context.Context, program, call string, connections int, during time.Duration) (float64, error) {
	c := w.pool.Config().ConnConfig
	cmd := exec.CommandContext(ctx, program, "--no-vacuum", "--protocol=prepared", "--file=-",
		"--client="+strconv.Itoa(connections), "--jobs="+strconv.Itoa(min(connections, 2)),
		"--time="+strconv.Itoa(max(1, int(during.Seconds()))),
		"--host="+c.Host, "--port="+strconv.Itoa(int(c.Port)), "--username="+c.User, c.Database)
	cmd.Env = append(os.Environ(), "PGPASSWORD="+c.Password)
	cmd.Stdin = strings.NewReader("SELECT limit_" + call + "();\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pgbench: %w: %s", err, lastLine(out))
	}
	return reached(out)
}

// reached reads what pgbench printed.
func reached(out []byte) (float64, error) {
	found := tps.FindSubmatch(out)
	if found == nil {
		return 0, errors.New("pgbench does not say what it reached")
	}
	return strconv.ParseFloat(string(found[1]), 64)
}

func lastLine(out []byte) string {
	text := strings.TrimSpace(string(out))
	return text[strings.LastIndexByte(text, '\n')+1:]
}
