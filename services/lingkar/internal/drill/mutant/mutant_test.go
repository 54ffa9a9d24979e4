package mutant

import (
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// Every mutant finds the text that it replaces exactly once, leaves Go that can be
// parsed, and says what must catch it.
func TestAll_canBeMade(t *testing.T) {
	t.Parallel()
	root, err := Root(".")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, m := range All() {
		if names[m.Name] || m.Breaks == "" || len(m.Invariants) == 0 || len(m.Focus.Faults) == 0 || m.Focus.Duration == 0 {
			t.Errorf("%s is told twice or not in full", m.Name)
		}
		names[m.Name] = true
		files, err := m.Apply(root)
		if err != nil {
			t.Error(err)
		}
		for file, text := range files {
			if !strings.HasSuffix(file, ".go") {
				continue
			}
			if _, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution); err != nil {
				t.Errorf("%s: %v", m.Name, err)
			}
		}
	}
	if len(names) < 14 {
		t.Errorf("there are %d mutants", len(names))
	}
}

// Text that is not there, or there twice, is refused.
func TestApply_refusesWhatHasRotted(t *testing.T) {
	t.Parallel()
	root, err := Root(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, old := range []string{"what was never" + " there", "Mutant"} {
		m := Mutant{Name: "old", Edits: []Edit{{File: "services/lingkar/internal/drill/mutant/mutant.go", Old: old}}}
		if _, err := m.Apply(root); err == nil {
			t.Errorf("%q was replaced", old)
		}
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	for which, want := range map[string]int{"all": len(All()), "ci": 3, All()[0].Name + "," + All()[1].Name: 2, "nobody": 0, All()[0].Name + ",nobody": 0} {
		got, err := Choose(which)
		if len(got) != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d mutants, want %d (%v)", which, len(got), want, err)
		}
	}
}
