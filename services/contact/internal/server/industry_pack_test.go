package server_test

import (
	"maps"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// CON-48: keys that nobody has described are free, until the tenant says otherwise.
func testCustomFieldPolicy(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-48"}, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		policy := must(a.GetCustomFieldPolicy(ctx, &contactv1.GetCustomFieldPolicyRequest{Name: "customFieldPolicy"}))(t)
		if policy.GetUnknownKeys() != contactv1.UnknownKeys_UNKNOWN_KEYS_OPEN {
			t.Errorf("the default is %s", policy.GetUnknownKeys())
		}
		c := a.with(t, "Early", map[string]any{"hobby": "golf"})
		strict := must(a.UpdateCustomFieldPolicy(ctx, &contactv1.UpdateCustomFieldPolicyRequest{CustomFieldPolicy: &contactv1.CustomFieldPolicy{
			Name: "customFieldPolicy", UnknownKeys: contactv1.UnknownKeys_UNKNOWN_KEYS_STRICT, Etag: policy.GetEtag(),
		}}))(t)
		_, err := a.CreateContact(ctx, &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
			Kind: person, DisplayName: "Late", CustomFields: custom(t, map[string]any{"hobby": "golf"}),
		}})
		violates(t, err, "contact.custom_fields.hobby", "FIELD_UNKNOWN")
		other.with(t, "Elsewhere", map[string]any{"hobby": "golf"})
		a.add(t, field("shoe", "INTEGER"))
		must(a.UpdateContact(ctx, &contactv1.UpdateContactRequest{
			Contact: &contactv1.Contact{Name: c.GetName(), CustomFields: custom(t, map[string]any{"shoe": 42})}, UpdateMask: mask("custom_fields.shoe"),
		}))(t)
		_, err = a.UpdateCustomFieldPolicy(ctx, &contactv1.UpdateCustomFieldPolicyRequest{CustomFieldPolicy: &contactv1.CustomFieldPolicy{
			Name: "customFieldPolicy", UnknownKeys: contactv1.UnknownKeys_UNKNOWN_KEYS_OPEN, Etag: policy.GetEtag(),
		}})
		if policy.GetEtag() != strict.GetEtag() {
			refused(t, err, codes.Aborted, "ETAG_MISMATCH")
		}
	})
}

// CON-27: banking, telecom, retail and hospitality come as data. What the tenant changed
// of a pack stays, and a second call adds nothing.
func testIndustryPacks(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-10", "CON-27"}, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		packs := must(a.ListIndustryPacks(ctx, &contactv1.ListIndustryPacksRequest{}))(t).GetIndustryPacks()
		found := map[string]*contactv1.IndustryPack{}
		for _, p := range packs {
			found[p.GetName()] = p
		}
		if want := []string{"industryPacks/banking", "industryPacks/hospitality", "industryPacks/retail", "industryPacks/telecom"}; !slices.Equal(slices.Sorted(maps.Keys(found)), want) {
			t.Fatalf("packs %v", slices.Sorted(maps.Keys(found)))
		}
		own := field("credit_limit", "TEXT")
		a.add(t, own)
		kept := 1
		for name, p := range found {
			applied := must(a.ApplyIndustryPack(ctx, &contactv1.ApplyIndustryPackRequest{Name: name}))(t)
			added := len(applied.GetFieldDefinitions()) + len(applied.GetRelationshipTypes()) + len(applied.GetPurposes())
			if all := len(p.GetFieldDefinitions()) + len(p.GetRelationshipTypes()) + len(p.GetPurposes()); added+int(applied.GetKeptCount()) != all || added < 15 {
				t.Errorf("%s: %d added and %d kept of %d", name, added, applied.GetKeptCount(), all)
			}
			kept -= int(applied.GetKeptCount())
			for _, f := range applied.GetFieldDefinitions() {
				if f.GetIndustryPack() != name || f.GetDisplayNames()["en"] == "" || f.GetDisplayNames()["id"] == "" {
					t.Errorf("%s brings %v", name, f)
				}
			}
		}
		if kept != 0 {
			t.Errorf("%d more or fewer than the tenant's own field was kept", kept)
		}
		again := must(a.ApplyIndustryPack(ctx, &contactv1.ApplyIndustryPackRequest{Name: "industryPacks/banking"}))(t)
		if len(again.GetFieldDefinitions())+len(again.GetRelationshipTypes())+len(again.GetPurposes()) != 0 {
			t.Errorf("a second time adds %v", again)
		}
		_, err := a.CreateContact(ctx, &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
			Kind: person, DisplayName: "Nasabah", CustomFields: custom(t, map[string]any{"risk_profile": "WILD", "tax_id": "12"}),
		}})
		violates(t, err, "contact.custom_fields.risk_profile", "OPTION_UNKNOWN")
		violates(t, err, "contact.custom_fields.tax_id", "PATTERN_MISMATCH")
		guest := a.create(t, &contactv1.Contact{Kind: person, DisplayName: "Tamu"})
		if v := guest.GetCustomFields().GetFields()["guest_level"].GetStringValue(); v != "REGULAR" {
			t.Errorf("a guest's level is %q", v)
		}
		if list := must(other.ListCustomFields(ctx, &contactv1.ListCustomFieldsRequest{}))(t); len(list.GetCustomFields()) != 0 {
			t.Errorf("another tenant has %v", list)
		}
		_, err = a.ApplyIndustryPack(ctx, &contactv1.ApplyIndustryPackRequest{Name: "industryPacks/mining"})
		refused(t, err, codes.NotFound, "INDUSTRY_PACK_NOT_FOUND")
	})
}
