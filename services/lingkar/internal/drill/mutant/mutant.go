// Package mutant tests the drill itself: it breaks our own code in one place, on
// purpose, and expects an invariant of the drill to notice.
//
// A mutant is a replacement of text in the source, made while a program is built
// and never in the tree (go build -overlay). Text that is not found exactly once is
// an error, so a mutant cannot outlive the code that it breaks. It counts as caught
// when an invariant that was named beforehand is broken; a program that does not
// build or start is a mistake of the mutant. The same run of the unbroken code must
// find nothing.
//
// It needs the source tree and Go.
package mutant

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Edit replaces text in one file.
type Edit struct {
	// File is its path in the repository.
	File string
	// Old must be in it exactly once.
	Old, New string
}

// Focus is the drill that shows a mutant quickly.
type Focus struct {
	// Faults are the numbers of those to apply.
	Faults []string
	// Failpoints is the plan of every process, such as "write.after_commit=error@40".
	Failpoints string
	// Duration is how long faults are applied.
	Duration time.Duration
}

// String tells one focus from another.
func (f Focus) String() string {
	s := fmt.Sprintf("%s for %s", strings.Join(f.Faults, ","), f.Duration)
	if f.Failpoints != "" {
		s += " with " + f.Failpoints
	}
	return s
}

// Mutant is one way to break our code.
type Mutant struct {
	// Name is what it is asked for by.
	Name string
	// Breaks says what is wrong with the code, and so what the drill guards.
	Breaks string
	// Edits make it.
	Edits []Edit
	// Invariants are the numbers of those of which at least one must be broken.
	Invariants []string
	// Focus is the run in which that must happen.
	Focus Focus
	// CI says that it is one of the few that are tried at every change: of those that
	// leave nothing to wait for.
	CI bool
}

// Choose answers the mutants that are asked for: all of them for "all", those tried
// at every change for "ci", or some by their names, with commas between them.
func Choose(which string) ([]Mutant, error) {
	var chosen []Mutant
	for _, m := range All() {
		if which == "all" || which == "ci" && m.CI || slices.Contains(strings.Split(which, ","), m.Name) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 || which != "all" && which != "ci" && len(chosen) != strings.Count(which, ",")+1 {
		return nil, fmt.Errorf("there are no mutants %q: say all, ci, or some of %s", which, strings.Join(Names(), ", "))
	}
	return chosen, nil
}

// Names are those of all mutants.
func Names() []string {
	var names []string
	for _, m := range All() {
		names = append(names, m.Name)
	}
	return names
}

// Apply answers the files of a mutant after its edits, by their paths in the
// repository at root.
func (m *Mutant) Apply(root string) (map[string]string, error) {
	files := map[string]string{}
	for _, e := range m.Edits {
		text, edited := files[e.File]
		if !edited {
			raw, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(e.File)))
			if err != nil {
				return nil, err
			}
			text = string(raw)
		}
		if n := strings.Count(text, e.Old); n != 1 {
			return nil, fmt.Errorf("mutant %s: %s holds %d times, not once:\n%s", m.Name, e.File, n, e.Old)
		}
		files[e.File] = strings.Replace(text, e.Old, e.New, 1)
	}
	return files, nil
}

// ErrNoSource says that there is nothing to break.
var ErrNoSource = errors.New("mutants are made of the source: run this in a clone of the repository, with Go installed")

// Root finds the repository that a directory is in.
func Root(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		_, work := os.Stat(filepath.Join(at, "go.work"))
		_, own := os.Stat(filepath.Join(at, "services", "lingkar", "main.go"))
		if work == nil && own == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", ErrNoSource
		}
	}
}
