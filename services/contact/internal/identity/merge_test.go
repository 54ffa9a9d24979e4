package identity_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/identity"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// world is a few contacts and the merges among them, as the store keeps them.
type world struct {
	contacts []*contact.Contact
	merges   []*identity.Merge
	policy   *identity.Policy
}

func (w *world) find(id uuid.UUID) *contact.Contact {
	return w.contacts[slices.IndexFunc(w.contacts, func(c *contact.Contact) bool { return c.ID == id })]
}

func (w *world) merge(survivor, other *contact.Contact, choices map[string]uuid.UUID) error {
	merges, after, err := identity.Plan(w.policy, nil, survivor, []*contact.Contact{other}, choices, "users/ann")
	if err != nil {
		return err
	}
	other.MergeInto(survivor.ID, merges[0].ID, noon)
	after.Put(survivor)
	w.merges = append(w.merges, merges...)
	return nil
}

func (w *world) unmerge(c *contact.Contact) {
	survivor := w.find(*c.MergedInto)
	var open []identity.Rebase
	var undone *identity.Merge
	for _, m := range w.merges {
		if m.Survivor == survivor.ID && m.UndoTime == nil {
			open = append(open, identity.Rebase{Merge: m, Other: w.find(m.Contact)})
			if m.Contact == c.ID {
				undone = m
			}
		}
	}
	after := identity.Undo(undone.ID, open, identity.Of(survivor))
	alive := *c
	alive.DeleteTime = nil
	after.Release(&alive)
	after.Put(survivor)
	if _, err := c.Separate(undone.ID); err != nil {
		panic(err)
	}
	undone.UndoTime = &noon
}

// said is all that a contact says of itself, for comparison.
func said(c *contact.Contact) string {
	text, err := json.Marshal(identity.Of(c))
	if err != nil {
		panic(err)
	}
	return string(text)
}

var (
	someWord = rapid.SampledFrom([]string{"", "Budi", "Siti", "Santoso", "Wijaya"})
	someKey  = rapid.SampledFrom([]string{"a", "b", "c", "d"})
	someMap  = rapid.MapOfN(someKey, rapid.SampledFrom([]string{"1", "2", "3"}), 0, 3)
)

func someContact(t *rapid.T, n int) *contact.Contact {
	name := fmt.Sprint(n)
	c := &contact.Contact{
		Kind: contact.Person, DisplayName: someWord.Draw(t, "display"+name) + "x", JobTitle: someWord.Draw(t, "job"+name), Note: someWord.Draw(t, "note"+name),
		Birthday: rapid.SampledFrom([]string{"", "1990-04-12", "1971-01-02"}).Draw(t, "born"+name), NoThirdPartySharing: rapid.Bool().Draw(t, "private"+name),
	}
	c.ID, c.UpdateTime, c.Source = entity.NewID(), noon.Add(time.Duration(n)*time.Hour), someWord.Draw(t, "source"+name)
	for _, key := range rapid.SliceOfNDistinct(someKey, 0, 3, rapid.ID).Draw(t, "mails"+name) {
		c.Identifiers = append(c.Identifiers, contact.Identifier{Kind: contact.Email, Value: key, Key: key, Primary: len(c.Identifiers) == 0})
	}
	c.Identifiers = append(c.Identifiers, contact.Identifier{Kind: contact.Card, Value: "card" + name, Key: "card" + name})
	// An id in another system belongs to one contact.
	c.ExternalIDs = map[string]string{someKey.Draw(t, "system"+name): name}
	c.Labels = someMap.Draw(t, "labels"+name)
	c.CustomFields = map[string]any{someKey.Draw(t, "custom"+name): name}
	c.Play([]contact.Role{{Kind: contact.RoleKind(rapid.IntRange(1, 3).Draw(t, "role"+name)), Start: noon.AddDate(0, 0, -n)}})
	return c
}

func somePolicy(t *rapid.T) *identity.Policy {
	p := identity.Default()
	for _, f := range identity.Fields() {
		if s := identity.Strategy(rapid.IntRange(0, 4).Draw(t, "strategy of "+f)); s != 0 {
			p.Rules = append(p.Rules, identity.Rule{Field: f, Strategy: s})
		}
	}
	p.TrustedSources = []string{"Budi", "Siti"}
	return p
}

// I7: without a change in between, taking apart what was merged is as if nothing had
// happened, in whatever order it is undone; and no merge loses a value or a way to find
// a contact.
func TestUnmerge_isTheInverse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := &world{policy: somePolicy(t)}
		before := map[uuid.UUID]string{}
		for n := range 4 {
			c := someContact(t, n)
			w.contacts = append(w.contacts, c)
			before[c.ID] = said(c)
		}
		survivor := w.contacts[0]
		for _, other := range w.contacts[1:] {
			held := slices.Concat(survivor.Handles(), other.Handles())
			if err := w.merge(survivor, other, nil); err != nil {
				t.Fatal(err)
			}
			for _, h := range held {
				if !slices.Contains(survivor.Handles(), h) {
					t.Fatalf("nobody is found by %v any more", h)
				}
			}
			if said(other) != before[other.ID] {
				t.Fatal("the merged contact does not say what it said")
			}
			if wrong := survivor.Check(); len(wrong) > 0 {
				t.Fatalf("the survivor breaks its own rules: %v", wrong)
			}
		}
		for _, n := range rapid.Permutation([]int{1, 2, 3}).Draw(t, "order") {
			w.unmerge(w.contacts[n])
		}
		for _, c := range w.contacts {
			if said(c) != before[c.ID] || c.Deleted() {
				t.Fatalf("it was\n%s\nand is\n%s", before[c.ID], said(c))
			}
		}
	})
}

// With changes between the merges and since, each of them is still there in the end, on
// the survivor, whatever is undone.
func TestUnmerge_keepsLaterChanges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := &world{policy: somePolicy(t)}
		for n := range 4 {
			w.contacts = append(w.contacts, someContact(t, n))
		}
		survivor, written := w.contacts[0], map[string]string{}
		change := func(n int) {
			note := fmt.Sprintf("note %d", n)
			survivor.Note, survivor.Labels = note, maps.Clone(survivor.Labels)
			if survivor.Labels == nil {
				survivor.Labels = map[string]string{}
			}
			survivor.Labels[note] = note
			written[note] = note
			mail := fmt.Sprintf("later%d", n)
			survivor.Identifiers = append(slices.Clone(survivor.Identifiers), contact.Identifier{Kind: contact.Email, Value: mail, Key: mail})
		}
		for n, other := range w.contacts[1:] {
			if err := w.merge(survivor, other, nil); err != nil {
				t.Fatal(err)
			}
			change(n)
		}
		for _, n := range rapid.Permutation([]int{1, 2, 3}).Draw(t, "order")[:rapid.IntRange(1, 3).Draw(t, "how many")] {
			w.unmerge(w.contacts[n])
		}
		if survivor.Note != "note 2" {
			t.Fatalf("the last note is %q", survivor.Note)
		}
		for k, v := range written {
			if survivor.Labels[k] != v {
				t.Fatalf("the label %s was lost: %v", k, survivor.Labels)
			}
		}
		for n := range 3 {
			if !slices.Contains(survivor.Handles(), contact.Handle{Kind: contact.Email, Key: fmt.Sprintf("later%d", n)}) {
				t.Fatalf("the address of change %d was lost: %v", n, survivor.Identifiers)
			}
		}
		for _, c := range w.contacts[1:] {
			card := contact.Handle{Kind: contact.Card, Key: c.Identifiers[len(c.Identifiers)-1].Key}
			if slices.Contains(survivor.Handles(), card) == (c.MergedInto == nil) {
				t.Fatalf("the card of %s is on the wrong side", c.ID)
			}
		}
	})
}

func TestPlan_survivorship(t *testing.T) {
	t.Parallel()
	contactOf := func(title, source string, changed int) *contact.Contact {
		c := &contact.Contact{Kind: contact.Person, DisplayName: "Budi", JobTitle: title}
		c.ID, c.Source, c.UpdateTime = entity.NewID(), source, noon.Add(time.Duration(changed)*time.Hour)
		return c
	}
	for name, c := range map[string]struct {
		strategy        identity.Strategy
		survivor, other *contact.Contact
		choose          bool
		want            string
	}{
		"its own":         {identity.Survivor, contactOf("Buyer", "", 0), contactOf("Head of purchasing", "erp", 9), false, "Buyer"},
		"nothing":         {identity.Survivor, contactOf("", "", 0), contactOf("Head", "", 0), false, "Head"},
		"nor takes it":    {identity.MostRecent, contactOf("Buyer", "", 0), contactOf("", "", 9), false, "Buyer"},
		"the latest":      {identity.MostRecent, contactOf("Buyer", "", 0), contactOf("Head", "", 9), false, "Head"},
		"the earlier":     {identity.MostRecent, contactOf("Buyer", "", 9), contactOf("Head", "", 0), false, "Buyer"},
		"the trusted":     {identity.MostTrusted, contactOf("Buyer", "web", 0), contactOf("Head", "erp", 0), false, "Head"},
		"the less so":     {identity.MostTrusted, contactOf("Buyer", "erp", 0), contactOf("Head", "fair", 0), false, "Buyer"},
		"the longest":     {identity.MostComplete, contactOf("Buyer", "", 0), contactOf("Head of purchasing", "", 0), false, "Head of purchasing"},
		"chosen":          {identity.Survivor, contactOf("Buyer", "", 0), contactOf("Head", "", 0), true, "Head"},
		"chosen, nothing": {identity.Survivor, contactOf("Buyer", "", 0), contactOf("", "", 0), true, "Buyer"},
	} {
		policy := identity.Default()
		policy.Rules, policy.TrustedSources = []identity.Rule{{Field: "job_title", Strategy: c.strategy}}, []string{"erp", "web"}
		choices := map[string]uuid.UUID{}
		if c.choose {
			choices["job_title"] = c.other.ID
		}
		merges, after, err := identity.Plan(policy, nil, c.survivor, []*contact.Contact{c.other}, choices, "")
		if err != nil || after.JobTitle != c.want {
			t.Errorf("%s: %q, %v, want %q", name, after.JobTitle, err, c.want)
			continue
		}
		lost := slices.IndexFunc(merges[0].Conflicts, func(k identity.Conflict) bool { return k.Field == "job_title" })
		both := c.survivor.JobTitle != "" && c.other.JobTitle != ""
		if both != (lost >= 0) {
			t.Errorf("%s: conflicts %v", name, merges[0].Conflicts)
		}
		if lost >= 0 && merges[0].Conflicts[lost].Kept != c.want {
			t.Errorf("%s: %v", name, merges[0].Conflicts[lost])
		}
	}
}

func TestPlan_refuses(t *testing.T) {
	t.Parallel()
	make := func(kind contact.Kind) *contact.Contact {
		c := &contact.Contact{Kind: kind, DisplayName: "Budi"}
		c.ID = entity.NewID()
		return c
	}
	deleted, merged := make(contact.Person), make(contact.Person)
	deleted.DeleteTime = &noon
	merged.MergeInto(deleted.ID, deleted.ID, noon)
	for reason, other := range map[string]*contact.Contact{
		"CONTACT_KINDS_DIFFER": make(contact.Organisation), "DELETED": deleted, "CONTACT_MERGED": merged,
	} {
		if _, _, err := identity.Plan(identity.Default(), nil, make(contact.Person), []*contact.Contact{other}, nil, ""); errs.Reason(err) != reason {
			t.Errorf("%v, want %s", err, reason)
		}
	}
}

// Two periods of a role that touch become one.
func TestPlan_roles(t *testing.T) {
	t.Parallel()
	end := noon.AddDate(0, 0, 5)
	a, b := &contact.Contact{Kind: contact.Person, DisplayName: "A"}, &contact.Contact{Kind: contact.Person, DisplayName: "A"}
	a.ID, b.ID = entity.NewID(), entity.NewID()
	a.Play([]contact.Role{{Kind: contact.Customer, Start: noon, End: &end}, {Kind: contact.Partner, Start: noon}})
	b.Play([]contact.Role{{Kind: contact.Customer, Start: noon.AddDate(0, 0, -3)}, {Kind: contact.Supplier, Start: noon}})
	_, after, err := identity.Plan(identity.Default(), nil, a, []*contact.Contact{b}, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	after.Put(a)
	if len(a.Roles) != 3 || !a.Roles[0].Start.Equal(noon.AddDate(0, 0, -3)) || a.Roles[0].End != nil || len(a.Check()) > 0 {
		t.Errorf("%+v", a.Roles)
	}
}
