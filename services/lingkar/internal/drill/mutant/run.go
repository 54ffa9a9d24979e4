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
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
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

// atOnce is how many programs are built and drilled at a time: a drill waits more than
// it works.
const atOnce = 2

// Try builds and drills each mutant, and the unbroken code in each focus that they
// have. The outcomes are in the order of the mutants. An error says that something
// could not be tried, or that the unbroken code does not pass.
func Try(ctx context.Context, mutants []Mutant, o Options) ([]Outcome, error) {
	dir, err := os.MkdirTemp("", "lingkar-mutants-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, err
	}
	t := &trial{Options: o, dir: dir}
	if t.unbroken, err = build(ctx, o.Root, dir, "unbroken", nil); err != nil {
		return nil, err
	}
	outcomes := make([]Outcome, len(mutants))
	failed := make([]error, 2*len(mutants))
	passed := map[string]bool{}
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, m := range mutants {
		outcomes[i] = Outcome{Name: m.Name, Breaks: m.Breaks, Broken: []string{}}
		if outcomes[i].Impossible = t.impossible(m.Focus); outcomes[i].Impossible != "" {
			t.Tell(m.Name + " cannot be tried here: " + outcomes[i].Impossible)
			continue
		}
		if focus := m.Focus.String(); !passed[focus] {
			passed[focus] = true
			group.Go(func() error { failed[2*i] = t.told(t.pass(ctx, m.Focus)); return ctx.Err() })
		}
		group.Go(func() error { failed[2*i+1] = t.told(t.try(ctx, m, &outcomes[i])); return ctx.Err() })
	}
	if err := group.Wait(); err != nil {
		return outcomes, err
	}
	return outcomes, errors.Join(failed...)
}

type trial struct {
	Options
	dir      string
	unbroken string
	drills   atomic.Int64
}

// told tells of an error when it happens, and answers it.
func (t *trial) told(err error) error {
	if err != nil {
		t.Tell(err.Error())
	}
	return err
}

// impossible says why a focus is not possible on this machine.
func (t *trial) impossible(f Focus) string {
	for _, id := range f.Faults {
		if err := t.Possible(id); err != nil {
			return id + ": " + err.Error()
		}
	}
	return ""
}

// try builds and drills one mutant.
func (t *trial) try(ctx context.Context, m Mutant, o *Outcome) error {
	begun := time.Now()
	files, err := m.Apply(t.Root)
	if err != nil {
		return err
	}
	program, err := build(ctx, t.Root, t.dir, m.Name, files)
	if err != nil {
		return err
	}
	defer os.Remove(program)
	found, err := t.drill(ctx, program, m.Focus, m.Invariants...)
	if err != nil {
		return fmt.Errorf("mutant %s: %w", m.Name, err)
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
	return nil
}

// pass drills the unbroken code in one focus.
func (t *trial) pass(ctx context.Context, f Focus) error {
	begun := time.Now()
	found, err := t.drill(ctx, t.unbroken, f)
	if err != nil {
		return fmt.Errorf("the unbroken code under %s: %w", f, err)
	}
	if len(found) > 0 {
		return fmt.Errorf("the unbroken code does not pass %s: %s: %s", f, found[0].ID, strings.Join(found[0].Broken, "\n"))
	}
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
	data := filepath.Join(t.dir, fmt.Sprintf("drill-%d", t.drills.Add(1)))
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
