package lifecycle_test

import (
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/lifecycle"
)

// A9, CON-15 to CON-20.
func TestClass(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		facts lifecycle.Facts
		want  lifecycle.Class
	}{
		"bought within the window":              {lifecycle.Facts{Bought: true, BoughtLately: true}, lifecycle.Active},
		"bought lately, marked as without need": {lifecycle.Facts{Bought: true, BoughtLately: true, NoNeed: true}, lifecycle.Active},
		"bought before the window":              {lifecycle.Facts{Bought: true, Related: true}, lifecycle.Inactive},
		"bought once, marked as without need":   {lifecycle.Facts{Bought: true, NoNeed: true}, lifecycle.Inactive},
		"related, never bought":                 {lifecycle.Facts{Related: true}, lifecycle.Prospect},
		"related, but without need":             {lifecycle.Facts{Related: true, NoNeed: true}, lifecycle.RestOfWorld},
		"without need":                          {lifecycle.Facts{NoNeed: true}, lifecycle.RestOfWorld},
		"nothing":                               {lifecycle.Facts{}, lifecycle.Suspect},
	}
	for name, c := range cases {
		if got := c.facts.Class(); got != c.want {
			t.Errorf("%s: class %d, want %d", name, got, c.want)
		}
	}
}

func TestFactsOf_everyCombinationOnce(t *testing.T) {
	t.Parallel()
	seen := map[lifecycle.Facts]bool{}
	for class := lifecycle.Active; class <= lifecycle.RestOfWorld; class++ {
		for _, facts := range lifecycle.FactsOf(class) {
			if seen[facts] {
				t.Errorf("%+v belongs to two classes", facts)
			}
			if facts.Class() != class {
				t.Errorf("%+v is listed under class %d", facts, class)
			}
			seen[facts] = true
		}
	}
	if len(seen) != 12 {
		t.Errorf("%d combinations, want the 12 in which who bought lately also bought", len(seen))
	}
}
