package pyramid_test

import (
	"testing"

	"github.com/lingkar-crm/lingkar/services/analytics/internal/pyramid"
)

// A9, CON-15 to CON-20.
func TestClass(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		facts pyramid.Facts
		want  pyramid.Class
	}{
		"bought within the window":              {pyramid.Facts{Bought: true, BoughtLately: true}, pyramid.Active},
		"bought lately, marked as without need": {pyramid.Facts{Bought: true, BoughtLately: true, NoNeed: true}, pyramid.Active},
		"bought before the window":              {pyramid.Facts{Bought: true, Related: true}, pyramid.Inactive},
		"bought once, marked as without need":   {pyramid.Facts{Bought: true, NoNeed: true}, pyramid.Inactive},
		"related, never bought":                 {pyramid.Facts{Related: true}, pyramid.Prospect},
		"related, but without need":             {pyramid.Facts{Related: true, NoNeed: true}, pyramid.RestOfWorld},
		"without need":                          {pyramid.Facts{NoNeed: true}, pyramid.RestOfWorld},
		"nothing":                               {pyramid.Facts{}, pyramid.Suspect},
	}
	for name, c := range cases {
		if got := c.facts.Class(); got != c.want {
			t.Errorf("%s: class %d, want %d", name, got, c.want)
		}
	}
}

func TestFactsOf_everyCombinationOnce(t *testing.T) {
	t.Parallel()
	seen := map[pyramid.Facts]bool{}
	for class := pyramid.Active; class <= pyramid.RestOfWorld; class++ {
		for _, facts := range pyramid.FactsOf(class) {
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
