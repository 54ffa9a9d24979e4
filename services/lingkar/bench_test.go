package main_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/bench"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/bench/seed"
)

// quickRows are those that a test measures: the others take long, and are made of the
// same parts.
var quickRows = []string{"memory-rest", "record", "change", "get", "lists", "duplicates", "relay", "catch-up"}

// TestBench_quick measures some rows on little data and expects a figure for each, its
// limit where it has one, the round trips of a call, and a comparison and a table made
// of the file. How fast it was depends on the machine.
func TestBench_quick(t *testing.T) {
	t.Parallel()
	made := &suite{dir: dataDir(t)}
	made.run(t, "bench", "seed", "--contacts", "200", "--events", "4", "--shape", "retail")
	file := filepath.Join(t.TempDir(), "results.json")
	made.run(t, "bench", "--quick", "--only", strings.Join(quickRows, ","), "--out", file)
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var results bench.Results
	if err := json.Unmarshal(raw, &results); err != nil || len(results.Reports) != 1 {
		t.Fatalf("%v\n%s", err, raw)
	}
	got := map[string]bench.Row{}
	for _, row := range results.Reports[0].Rows {
		got[row.ID] = row
		if row.Figure.Median <= 0 && row.ID != "lists" || row.Beside != nil && (row.Beside.Median <= 0 || row.Ratio <= 0) {
			t.Errorf("row %s: %+v", row.ID, row)
		}
	}
	for _, id := range quickRows {
		if _, ok := got[id]; !ok && !strings.Contains(results.Reports[0].Skipped[id], "/proc") {
			t.Errorf("row %s is missing: %s", id, results.Reports[0].Skipped[id])
		}
	}
	// A change of a contact whose sealing key was not used lately fetches the key too.
	for id, trips := range map[string][2]float64{"get": {1, 1.5}, "change": {2, 4.5}} {
		if work := got[id].Work; work == nil || work.Trips < trips[0] || work.Trips > trips[1] || work.Objects <= 0 {
			t.Errorf("%s: %+v, want %g to %g round trips", id, work, trips[0], trips[1])
		}
	}
	for _, id := range []string{"record", "catch-up"} {
		if row := got[id]; row.AloneRatio <= 0 || row.CPU != nil && (row.Alone == nil || row.Alone.Suite <= 0 || row.Alone.Postgres <= 0) {
			t.Errorf("%s while others are held: %g of the limit, %+v", id, row.AloneRatio, row.Alone)
		}
	}
	t.Run("interrupted", func(t *testing.T) { interrupted(t, made) })
	if out := made.run(t, "bench", "compare", file, file); !strings.Contains(out, "+0 %") {
		t.Errorf("compare:\n%s", out)
	}
	if out := made.run(t, "bench", "report", file); !strings.Contains(out, "| get contact, 8 clients |") {
		t.Errorf("report:\n%s", out)
	}
}

// interrupted expects of a run that is ended by Ctrl-C what it measured until then, and
// one line.
func interrupted(t *testing.T, made *suite) {
	cmd := exec.Command(binary, "bench", "--quick", "--only", "get,list,view", "--data-dir", made.dir)
	var out, told syncBuffer
	cmd.Stdout, cmd.Stderr = &out, &told
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Minute); !strings.Contains(told.String(), "measuring list"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(errors.Join(errors.New(told.String()), cmd.Process.Kill()))
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() == 0 {
		t.Errorf("ended with %v", err)
	}
	last := strings.TrimSpace(told.String()[strings.LastIndex(strings.TrimSpace(told.String()), "\n")+1:])
	if !strings.HasPrefix(last, "lingkar: only what was measured until then is told") {
		t.Errorf("it says %q", told.String())
	}
	for _, want := range []string{"get contact, 8 clients", "not measured: view: the run was interrupted"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not told:\n%s", want, out.String())
		}
	}
}

// CON-30: few large accounts are measured by the same rows as mass retail, on data in
// which most contacts are people around a company with whom much happens.
func TestBench_accounts(t *testing.T) {
	t.Parallel()
	testkit.Prove(t, testkit.GRPC, "CON-30")
	testkit.Prove(t, testkit.OverREST, "CON-30")
	made := &suite{dir: dataDir(t)}
	told := made.run(t, "bench", "seed", "--contacts", "400", "--shape", "accounts", "--output", "json")
	var result seed.Result
	if err := json.Unmarshal([]byte(told[strings.Index(told, "{"):]), &result); err != nil || result.Contacts != 400 || result.Events < 3*1_500 {
		t.Errorf("%v, %+v of %s", err, result, told)
	}
	file := filepath.Join(t.TempDir(), "results.json")
	made.run(t, "bench", "--quick", "--only", "get,rest-get,list,view", "--out", file)
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var results bench.Results
	if err := json.Unmarshal(raw, &results); err != nil || len(results.Reports) != 1 || len(results.Reports[0].Rows) != 4 {
		t.Fatalf("%v\n%s", err, raw)
	}
}

// TestBench_refusals expects one clear line, before anything is made.
func TestBench_refusals(t *testing.T) {
	t.Parallel()
	own, empty := &suite{dir: filepath.Join(t.TempDir(), "own")}, filepath.Join(t.TempDir(), "empty.json")
	if err := os.WriteFile(empty, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"bench"}, "bench seed"},
		{[]string{"bench", "--only", "unicorns"}, "there is no row"},
		{[]string{"bench", "seed", "--shape", "round"}, "--shape takes mixed, retail or accounts"},
		{[]string{"bench", "--contacts", "10000"}, "--data-dir names data that is there"},
		{[]string{"bench", "--quick", "--out", filepath.Join(own.dir, "nowhere", "x.json")}, "cannot be written"},
		{[]string{"bench", "report", "none.json"}, "none.json"},
		{[]string{"bench", "compare", empty, empty}, "holds no results"},
	} {
		out, err := own.try(c.args...)
		if err == nil || !strings.Contains(out, c.want) || strings.Count(strings.TrimSpace(out), "\n") > 0 {
			t.Errorf("%v: %v, want one line with %q:\n%s", c.args, err, c.want, out)
		}
	}
}
