package mutant

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Outcome is what became of a mutant.
type Outcome struct {
	Name   string `json:"name"`
	Breaks string `json:"breaks"`
	// Caught says that an expected invariant was broken.
	Caught bool `json:"caught"`
	// Broken are the numbers of all invariants that were, First the first breach of
	// an expected one.
	Broken []string `json:"broken"`
	First  string   `json:"first,omitempty"`
	// Took is how long building and drilling took.
	Took time.Duration `json:"took_ns"`
	// Impossible says why it could not be tried on this machine.
	Impossible string `json:"impossible,omitempty"`
}

// Options say how mutants are tried.
type Options struct {
	// Root is the repository.
	Root string
	// Seed decides workload and faults.
	Seed uint64
	// Possible answers why a fault cannot happen on this machine, or nil.
	Possible func(fault string) error
	// Tell is told one line a step.
	Tell func(string)
}

// Try builds and drills each mutant, and the unbroken code in each focus that they
// have. An error says that something could not be tried, or that the unbroken code
// does not pass.
func Try(ctx context.Context, mutants []Mutant, o Options) ([]Outcome, error) {
	dir, err := os.MkdirTemp("", "lingkar-mutants-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, err
	}
	t := &trial{Options: o, dir: dir, passed: map[string]bool{}}
	if t.unbroken, err = build(ctx, o.Root, dir, "unbroken", nil); err != nil {
		return nil, err
	}
	var outcomes []Outcome
	var failed []error
	for _, m := range mutants {
		outcome, err := t.try(ctx, m)
		if ctx.Err() != nil {
			return outcomes, ctx.Err()
		}
		outcomes = append(outcomes, outcome)
		failed = append(failed, err)
	}
	return outcomes, errors.Join(failed...)
}

type trial struct {
	Options
	dir      string
	unbroken string
	passed   map[string]bool // the foci that the unbroken code passed
}

func (t *trial) try(ctx context.Context, m Mutant) (Outcome, error) {
	begun := time.Now()
	o := Outcome{Name: m.Name, Breaks: m.Breaks, Broken: []string{}}
	for _, f := range m.Focus.Faults {
		if err := t.Possible(f); err != nil {
			o.Impossible = f + ": " + err.Error()
			t.Tell(m.Name + " cannot be tried here: " + o.Impossible)
			return o, nil
		}
	}
	if err := t.pass(ctx, m.Focus); err != nil {
		return o, err
	}
	files, err := m.Apply(t.Root)
	if err != nil {
		return o, err
	}
	program, err := build(ctx, t.Root, t.dir, m.Name, files)
	if err != nil {
		return o, err
	}
	defer os.Remove(program)
	found, err := t.drill(ctx, program, m.Focus, m.Invariants...)
	if err != nil {
		return o, fmt.Errorf("mutant %s: %w", m.Name, err)
	}
	for _, r := range found {
		o.Broken = append(o.Broken, r.ID)
		if !o.Caught && slices.Contains(m.Invariants, r.ID) {
			o.Caught, o.First = true, r.Broken[0]
		}
	}
	o.Took = time.Since(begun)
	verdict := "caught by " + strings.Join(o.Broken, ", ")
	if !o.Caught {
		verdict = "NOT CAUGHT; broken: " + strings.Join(o.Broken, ", ")
	}
	t.Tell(fmt.Sprintf("%-28s %s, %s", m.Name, verdict, o.Took.Round(time.Second)))
	return o, nil
}

// pass drills the unbroken code, once in each focus.
func (t *trial) pass(ctx context.Context, f Focus) error {
	if t.passed[f.String()] {
		return nil
	}
	begun := time.Now()
	found, err := t.drill(ctx, t.unbroken, f)
	if err != nil {
		return fmt.Errorf("the unbroken code under %s: %w", f, err)
	}
	if len(found) > 0 {
		return fmt.Errorf("the unbroken code does not pass %s: %s: %s", f, found[0].ID, strings.Join(found[0].Broken, "\n"))
	}
	t.passed[f.String()] = true
	t.Tell(fmt.Sprintf("the unbroken code passes %s, %s", f, time.Since(begun).Round(time.Second)))
	return nil
}

// finding is an invariant that was broken.
type finding struct {
	ID     string
	Broken []string
}

// drill runs a program's own drill and answers the invariants that were broken, up to
// the first that is enough.
func (t *trial) drill(ctx context.Context, program string, f Focus, enough ...string) ([]finding, error) {
	data := filepath.Join(t.dir, "drill")
	defer os.RemoveAll(data)
	args := []string{
		"drill", "--output", "json", "--seed", strconv.FormatUint(t.Seed, 10), "--brief", f.Duration.String(), "--dir", data,
		"--faults", strings.Join(f.Faults, ","), "--failpoints", f.Failpoints, "--enough", strings.Join(enough, ","),
	}
	cmd := exec.CommandContext(ctx, program, args...)
	var out, told bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &told
	ended := cmd.Run()
	var report struct{ Invariants []finding }
	if err := json.Unmarshal(out.Bytes(), &report); err != nil || len(report.Invariants) == 0 {
		return nil, fmt.Errorf("the drill could not be made (%w):\n%s", errors.Join(ended, err), told.Bytes())
	}
	return slices.DeleteFunc(report.Invariants, func(r finding) bool { return len(r.Broken) == 0 }), nil
}
