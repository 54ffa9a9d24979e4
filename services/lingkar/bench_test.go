package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBench_quick measures every row on little data and expects a figure for
// each, its limit where it has one, and a comparison and a table made of the
// file. What the figures are depends on the machine.
func TestBench_quick(t *testing.T) {
	t.Parallel()
	made := &suite{dir: dataDir(t)}
	made.run(t, "bench", "seed", "--contacts", "200", "--events", "4")
	file := filepath.Join(t.TempDir(), "results.json")
	made.run(t, "bench", "--quick", "--out", file)
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	type spread struct{ Median float64 }
	var results struct {
		Reports []struct {
			Rows []struct {
				ID     string
				Figure spread
				Beside *spread
				Ratio  float64
			}
			Skipped map[string]string
		}
	}
	if err := json.Unmarshal(raw, &results); err != nil || len(results.Reports) != 1 {
		t.Fatalf("%v\n%s", err, raw)
	}
	got := map[string]bool{}
	for _, row := range results.Reports[0].Rows {
		got[row.ID] = true
		if row.Figure.Median <= 0 || row.Beside != nil && (row.Beside.Median <= 0 || row.Ratio <= 0) {
			t.Errorf("row %s: %+v", row.ID, row)
		}
	}
	for _, id := range []string{"start", "memory-rest", "create", "record", "get", "rest-get", "list", "view", "as-of", "visible", "memory-load"} {
		if why := results.Reports[0].Skipped[id]; !got[id] && !strings.Contains(why, "/proc") {
			t.Errorf("row %s is missing: %s", id, why)
		}
	}
	if out := made.run(t, "bench", "compare", file, file); !strings.Contains(out, "+0 %") {
		t.Errorf("compare:\n%s", out)
	}
	if out := made.run(t, "bench", "report", file); !strings.Contains(out, "| create contact, 8 clients |") {
		t.Errorf("report:\n%s", out)
	}
}

// TestBench_refusals expects one clear line, before anything is made.
func TestBench_refusals(t *testing.T) {
	t.Parallel()
	own := &suite{dir: filepath.Join(t.TempDir(), "own")}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"bench"}, "bench seed"},
		{[]string{"bench", "--only", "unicorns"}, "there is no row"},
		{[]string{"bench", "report", "none.json"}, "none.json"},
	} {
		out, err := own.try(c.args...)
		if err == nil || !strings.Contains(out, c.want) || strings.Count(strings.TrimSpace(out), "\n") > 0 {
			t.Errorf("%v: %v, want one line with %q:\n%s", c.args, err, c.want, out)
		}
	}
}
