package main_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	series      = regexp.MustCompile(`lingkar_[a-z_]+`)
	instruments = regexp.MustCompile(`"(lingkar(?:\.[a-z]+)+)"`)
	// derived is what Prometheus puts behind the name of an instrument: nothing for a unit
	// in braces.
	derived = regexp.MustCompile(`(_seconds)?(_total|_bucket|_count|_sum)?$`)
)

// Every series of ours that alerts and dashboards name is made by an instrument: an alert
// about another one would never fire.
func TestTelemetry_namesWhatThereIs(t *testing.T) {
	t.Parallel()
	made, root := map[string]bool{}, filepath.Join("..", "..")
	find := func(dir, ending string, pattern *regexp.Regexp, found func(name string)) {
		t.Helper()
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ending) {
				return err
			}
			text, err := os.ReadFile(path)
			for _, match := range pattern.FindAllStringSubmatch(string(text), -1) {
				found(match[len(match)-1])
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"pkg", "services"} {
		find(dir, ".go", instruments, func(name string) { made[strings.ReplaceAll(name, ".", "_")] = true })
	}
	named := 0
	for _, ending := range []string{".yaml", ".json"} {
		find(filepath.Join("deploy", "telemetry"), ending, series, func(name string) {
			named++
			if !made[derived.ReplaceAllString(name, "")] {
				t.Errorf("nothing makes the series %s", name)
			}
		})
	}
	if named < 10 {
		t.Errorf("alerts and dashboards name %d series: the test has lost its sight", named)
	}
}
