package server_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// A contact is found by its searchable fields, also by what was written before.
func testCustomFields_search(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		job := a.add(t, field("occupation", "TEXT"))
		c := a.with(t, "Ani", map[string]any{"occupation": "Guru Matematika 50%"})
		gone := a.with(t, "Gone", map[string]any{"occupation": "guru"})
		must(a.DeleteContact(ctx, &contactv1.DeleteContactRequest{Name: gone.GetName()}))(t)
		other.with(t, "Foreign", map[string]any{"occupation": "guru"})
		find := func(query string) []string {
			t.Helper()
			found := must(a.SearchContacts(ctx, &contactv1.SearchContactsRequest{Query: query}))(t)
			return names(found.GetContacts())
		}
		if found := find("guru"); len(found) != 0 {
			t.Errorf("found %v by a field that is not searchable", found)
		}
		must(a.UpdateCustomField(ctx, &contactv1.UpdateCustomFieldRequest{
			CustomField: &contactv1.CustomField{Name: job.GetName(), Searchable: true}, UpdateMask: mask("searchable"),
		}))(t)
		a.indexed(t, job.GetName())
		for query, want := range map[string]int{"matem GURU": 1, "ani": 1, "dokter": 0, "50%": 1, "5%0": 0, "_uru": 0} {
			if found := find(query); len(found) != want {
				t.Errorf("%q finds %v, want %d", query, found, want)
			}
		}
		must(a.UpdateContact(ctx, &contactv1.UpdateContactRequest{
			Contact: &contactv1.Contact{Name: c.GetName()}, UpdateMask: mask("custom_fields.occupation"),
		}))(t)
		if found := find("guru"); len(found) != 0 {
			t.Errorf("found %v by a value that is gone", found)
		}
	})
}

// CON-22: each custom field survives a merge by a rule of its own, else as all of them do;
// whoever merges can choose one.
func testCustomFields_survive(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-22"}, func(t *testing.T, a, _ *api) {
		ctx := a.Ctx()
		must(a.UpdateIdentityPolicy(ctx, &contactv1.UpdateIdentityPolicyRequest{IdentityPolicy: &contactv1.IdentityPolicy{
			Name: "identityPolicy", SurvivorshipRules: []*contactv1.SurvivorshipRule{
				{Field: "custom_fields", Strategy: contactv1.SurvivorshipStrategy_SURVIVORSHIP_STRATEGY_MOST_COMPLETE},
				{Field: "custom_fields.plan", Strategy: contactv1.SurvivorshipStrategy_SURVIVORSHIP_STRATEGY_SURVIVOR},
				{Field: "custom_fields.job", Strategy: contactv1.SurvivorshipStrategy_SURVIVORSHIP_STRATEGY_MOST_COMPLETE},
			},
		}}))(t)
		survivor := a.with(t, "Survivor", map[string]any{"plan": "a", "job": "a", "city": "a", "own": "a"})
		other := a.with(t, "Other", map[string]any{"plan": "longer", "job": "longer", "city": "longer"})
		preview := must(a.PreviewMerge(ctx, &contactv1.PreviewMergeRequest{Name: survivor.GetName(), Contacts: []string{other.GetName()}}))(t)
		if want := custom(t, map[string]any{"plan": "a", "job": "longer", "city": "longer", "own": "a"}); !proto.Equal(preview.GetContact().GetCustomFields(), want) {
			t.Errorf("by rules: %v, want %v", preview.GetContact().GetCustomFields(), want)
		}
		merged := must(a.MergeContacts(ctx, &contactv1.MergeContactsRequest{
			Name: survivor.GetName(), Contacts: []string{other.GetName()},
			Choices: []*contactv1.MergeChoice{{Field: "custom_fields.plan", Contact: other.GetName()}, {Field: "custom_fields.city", Contact: survivor.GetName()}},
		}))(t)
		if want := custom(t, map[string]any{"plan": "longer", "job": "longer", "city": "a", "own": "a"}); !proto.Equal(merged.GetCustomFields(), want) {
			t.Errorf("by choice: %v, want %v", merged.GetCustomFields(), want)
		}
		must(a.UnmergeContact(ctx, &contactv1.UnmergeContactRequest{Name: other.GetName()}))(t)
		if got := must(a.GetContact(ctx, &contactv1.GetContactRequest{Name: survivor.GetName()}))(t); !proto.Equal(got.GetCustomFields(), survivor.GetCustomFields()) {
			t.Errorf("taken apart: %v, want %v", got.GetCustomFields(), survivor.GetCustomFields())
		}
	})
}
