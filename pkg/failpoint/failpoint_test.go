package failpoint_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/failpoint"
)

// A point costs nothing while no plan names it; in an ordinary build none can.
func TestHit_costsNothing(t *testing.T) {
	err := failpoint.Hit(failpoint.WriteAfterCommit)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { err = failpoint.Hit(failpoint.WriteAfterCommit) }); n != 0 || err != nil {
		t.Errorf("%v allocations, error %v", n, err)
	}
}

// An ordinary binary does not know the names and ignores the plan; one built for
// drills does what the plan says, and refuses a plan that it cannot follow.
func TestPrograms(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ordinary, drill := filepath.Join(dir, "ordinary"), filepath.Join(dir, "drill")
	for path, args := range map[string][]string{ordinary: nil, drill: {"-tags", "drill"}} {
		args = append(append([]string{"build", "-o", path}, args...), "./testdata/program")
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
	}
	body, err := os.ReadFile(ordinary)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range failpoint.Points() {
		if bytes.Contains(body, []byte(p)) {
			t.Errorf("an ordinary binary contains %q", p)
		}
	}
	cases := []struct {
		name, program, plan string
		code                int
		want                string
	}{
		{"an ordinary binary ignores the plan", ordinary, "relay.after_publish=exit@2", 0, "0 <nil>\n1 <nil>\n2 <nil>\n"},
		{"no plan", drill, "", 0, "0 <nil>\n1 <nil>\n2 <nil>\n"},
		{"exit at the second hit", drill, "relay.after_publish=exit@2", 137, "0 <nil>\n"},
		{"panic at the third hit", drill, "relay.after_publish=panic@3", 2, "0 <nil>\n1 <nil>\n"},
		{"an unknown point", drill, "relay.after_lunch=exit", 2, ""},
		{"an unknown action", drill, "relay.after_publish=explode", 2, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(c.program)
			cmd.Env = append(os.Environ(), "LINGKAR_FAILPOINTS="+c.plan)
			out, _ := cmd.Output() // its code is looked at
			if code := cmd.ProcessState.ExitCode(); code != c.code || string(out) != c.want {
				t.Errorf("exit code %d, want %d; output:\n%s", code, c.code, out)
			}
		})
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	plan, err := failpoint.Parse(" relay.after_publish=exit@3; keys.before_fetch=error%10\n\nwrite.replay=sleep:200ms ;")
	if err != nil {
		t.Fatal(err)
	}
	want := failpoint.Plan{
		failpoint.RelayAfterPublish: {Kind: failpoint.Exit, At: 3},
		failpoint.KeysBeforeFetch:   {Kind: failpoint.Error, Percent: 10},
		failpoint.WriteReplay:       {Kind: failpoint.Sleep, Pause: 200 * time.Millisecond},
	}
	if len(plan) != len(want) {
		t.Errorf("plan %v", plan)
	}
	for p, act := range want {
		if plan[p] != act {
			t.Errorf("%s is %v, want %v", p, plan[p], act)
		}
	}
	again, err := failpoint.Parse(plan.String())
	if err != nil || again.String() != plan.String() {
		t.Errorf("%q is read back as %q, %v", plan, again, err)
	}
	for _, bad := range []string{
		"relay.after_publish", "relay.after_publish=", "relay.after_publish=exit:5s", "relay.after_publish=sleep", "relay.after_publish=sleep:-1s",
		"relay.after_publish=exit@0", "relay.after_publish=exit@x", "relay.after_publish=error%101", "=exit", "nowhere=exit",
		"write.replay=exit; write.replay=error",
	} {
		if _, err := failpoint.Parse(bad); err == nil {
			t.Errorf("%q was taken for a plan", bad)
		}
	}
}

// Every point is listed once, and is placed somewhere in the code.
func TestPoints_arePlaced(t *testing.T) {
	t.Parallel()
	points := failpoint.Points()
	if slices.Sort(points); len(slices.Compact(slices.Clone(points))) != len(points) {
		t.Error("a point is listed twice")
	}
	source, err := os.ReadFile("failpoint.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(source)) {
		if name, _, ok := strings.Cut(strings.TrimSpace(line), " Point = "); ok {
			names = append(names, name)
		}
	}
	if len(names) != len(points) {
		t.Errorf("%d points are declared, %d are listed", len(names), len(points))
	}
	code := sources(t, "../..")
	for _, name := range names {
		if !strings.Contains(code, "failpoint."+name) {
			t.Errorf("no code comes to %s", name)
		}
	}
}

// sources is all Go source below pkg and services but tests and this package.
func sources(t *testing.T, root string) string {
	t.Helper()
	var all strings.Builder
	for _, module := range []string{"pkg", "services"} {
		err := filepath.WalkDir(filepath.Join(root, module), func(path string, d os.DirEntry, err error) error {
			skip := strings.HasSuffix(path, "_test.go") || strings.Contains(path, "failpoint") || !strings.HasSuffix(path, ".go")
			if err != nil || d.IsDir() || skip {
				return err
			}
			body, err := os.ReadFile(path)
			all.Write(body)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}
