package revert_test

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	"github.com/lingkar-crm/lingkar/pkg/revert"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// change is a state and whose change led to it.
type change struct {
	by   revert.Author
	edit func(*contactv1.Contact)
}

// fold reads a history, and answers its last state.
func fold(t interface{ Fatal(...any) }, begin *contactv1.Contact, changes ...change) (*revert.Fold[*contactv1.Contact], *contactv1.Contact) {
	f := &revert.Fold[*contactv1.Contact]{}
	now := proto.CloneOf(begin)
	if err := f.Add(proto.CloneOf(now), revert.Other, false); err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		now = proto.CloneOf(now)
		c.edit(now)
		if err := f.Add(proto.CloneOf(now), c.by, false); err != nil {
			t.Fatal(err)
		}
	}
	return f, now
}

func id(value, label string) *contactv1.Identifier {
	return &contactv1.Identifier{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_EMAIL, Value: value, Label: label}
}

// Entries and elements are told apart; what another has edited of what was added stays.
func TestFold(t *testing.T) {
	t.Parallel()
	begin := &contactv1.Contact{
		JobTitle: "Clerk", Labels: map[string]string{"tier": "old", "gone": "x"}, Identifiers: []*contactv1.Identifier{id("a", "")},
	}
	f, now := fold(t, begin,
		change{revert.Mine, func(c *contactv1.Contact) {
			c.JobTitle, c.Note = "Boss", "brought"
			c.Labels["tier"], c.Labels["new"] = "new", "1"
			delete(c.Labels, "gone")
			c.Identifiers = append(c.Identifiers, id("b", ""), id("c", ""))
		}},
		change{revert.Other, func(c *contactv1.Contact) {
			c.JobTitle = "Director"
			c.Labels["own"] = "1"
			c.Identifiers = []*contactv1.Identifier{id("a", ""), id("b", "work"), id("c", ""), id("d", "")}
		}},
		change{revert.Other, func(c *contactv1.Contact) { c.JobTitle = "Boss" }}, // back to what it was made
	)
	got, err := f.Apply(now)
	if err != nil {
		t.Fatal(err)
	}
	want := &contactv1.Contact{
		JobTitle: "Boss", Labels: map[string]string{"tier": "old", "gone": "x", "own": "1"},
		Identifiers: []*contactv1.Identifier{id("a", ""), id("b", "work"), id("d", "")},
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"identifiers", "job_title"}, f.Lost()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"identifiers", "labels", "note"}, f.Fields()); diff != "" {
		t.Error(diff)
	}
}

// A list that was replaced comes back as a whole, also after it was added to.
func TestFold_list(t *testing.T) {
	t.Parallel()
	begin := &contactv1.Contact{Identifiers: []*contactv1.Identifier{id("a", ""), id("b", "")}}
	f, now := fold(t, begin,
		change{revert.Mine, func(c *contactv1.Contact) { c.Identifiers = append(c.Identifiers, id("c", "")) }},
		change{revert.Other, func(c *contactv1.Contact) { c.Identifiers = append(c.Identifiers, id("d", "")) }},
		change{revert.Mine, func(c *contactv1.Contact) { c.Identifiers = c.Identifiers[1:] }},
	)
	got, err := f.Apply(now)
	if err != nil {
		t.Fatal(err)
	}
	want := &contactv1.Contact{Identifiers: []*contactv1.Identifier{id("a", ""), id("b", ""), id("d", "")}}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

// Of any history: without changes of others it comes back to its beginning, and what
// others changed last stays.
func TestFold_property(t *testing.T) {
	t.Parallel()
	keys := []string{"job", "note", "x", "y"}
	values := func(c *contactv1.Contact) map[string]string {
		all := map[string]string{"job": c.GetJobTitle(), "note": c.GetNote()}
		maps.Copy(all, c.GetLabels())
		return all
	}
	rapid.Check(t, func(rt *rapid.T) {
		begin := &contactv1.Contact{JobTitle: "0", Labels: map[string]string{"x": "0"}}
		wrote := map[string]string{} // by others, since Mine wrote there last
		others := false
		var changes []change
		for range rapid.IntRange(1, 8).Draw(rt, "changes") {
			by := rapid.SampledFrom([]revert.Author{revert.Mine, revert.Other}).Draw(rt, "by")
			key, value := rapid.SampledFrom(keys).Draw(rt, "key"), rapid.SampledFrom([]string{"0", "1", "2"}).Draw(rt, "value")
			others = others || by == revert.Other
			changes = append(changes, change{by, func(c *contactv1.Contact) {
				if values(c)[key] != value && by == revert.Mine {
					delete(wrote, key)
				} else if values(c)[key] != value {
					wrote[key] = value
				}
				switch key {
				case "job":
					c.JobTitle = value
				case "note":
					c.Note = value
				default:
					c.Labels[key] = value
				}
			}})
		}
		f, now := fold(rt, begin, changes...)
		got, err := f.Apply(now)
		if err != nil {
			rt.Fatal(err)
		}
		for key, value := range wrote {
			if values(got)[key] != value {
				rt.Fatalf("%s is %q, another had made it %q", key, values(got)[key], value)
			}
		}
		if !others {
			if diff := cmp.Diff(begin, got, protocmp.Transform()); diff != "" {
				rt.Fatal(diff)
			}
		}
	})
}
