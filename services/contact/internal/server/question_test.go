package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
)

// answering is a rule that is asked.
func answering(t testing.TB, kind, condition, action string, parameters map[string]any) *platformv1.Rule {
	t.Helper()
	return &platformv1.Rule{
		DisplayName: kind, Kind: kind, Condition: condition,
		Trigger: &platformv1.RuleTrigger{When: &platformv1.RuleTrigger_Consultation{Consultation: &platformv1.RuleConsultation{}}},
		Actions: []*platformv1.RuleAction{{Action: action, Parameters: object(t, parameters)}},
	}
}

// otherTaxID holds for two contacts of different tax ids.
const otherTaxID = `"npwp" in duplicate.first.external_ids && "npwp" in duplicate.second.external_ids &&
	duplicate.first.external_ids["npwp"] != duplicate.second.external_ids["npwp"]`

// siti is one of several who share a name and an e-mail address.
func siti(taxID string) *contactv1.Contact {
	return &contactv1.Contact{
		Kind: person, GivenName: "Siti", FamilyName: "Rahayu", ExternalIds: map[string]string{"npwp": taxID},
		Identifiers: []*contactv1.Identifier{{Kind: email, Value: "office@example.com"}},
	}
}

// scored answers the candidates of a contact.
func (r ruler) scored(t testing.TB, c *contactv1.Contact, least float64) []*contactv1.DuplicateCandidate {
	t.Helper()
	return must(r.FindDuplicates(r.Ctx(), &contactv1.FindDuplicatesRequest{Subject: &contactv1.FindDuplicatesRequest_Name{Name: c.GetName()}, MinScore: least}))(t).GetCandidates()
}

// PLT-04: a tenant's rule says that two contacts are two, whatever their score;
// nothing is proposed, and nothing refused.
func testQuestions_veto(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"PLT-04", "CON-22"}, func(t *testing.T, a, other *api) {
		r, o := rulerOf(a), rulerOf(other)
		first := r.create(t, siti("01"))
		_, err := r.CreateContact(r.Ctx(), &contactv1.CreateContactRequest{Contact: siti("02")})
		refused(t, err, codes.AlreadyExists, "CONTACT_DUPLICATE")
		rule := r.activate(t, answering(t, "duplicate", otherTaxID, "veto", nil))
		second := r.create(t, siti("02"))
		if found := r.scored(t, first, 0); len(found) != 0 {
			t.Errorf("proposed in spite of the rule: %v", found)
		}
		if pairs := must(r.ListDuplicates(r.Ctx(), &contactv1.ListDuplicatesRequest{}))(t).GetPairs(); len(pairs) != 0 {
			t.Errorf("paired in spite of the rule: %v", pairs)
		}
		_, err = r.CreateContact(r.Ctx(), &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
			Kind: person, GivenName: "Siti", FamilyName: "Rahayu", Identifiers: siti("").GetIdentifiers(),
		}})
		refused(t, err, codes.AlreadyExists, "CONTACT_DUPLICATE")
		r.awaits(t, must(r.RetireRule(r.Ctx(), &platformv1.RetireRuleRequest{Name: rule.GetName()}))(t))
		if found := r.scored(t, first, 0); len(found) != 1 || found[0].GetContact().GetName() != second.GetName() {
			t.Errorf("without the rule are found %v", found)
		}
		o.create(t, siti("01"))
		_, err = o.CreateContact(o.Ctx(), &contactv1.CreateContactRequest{Contact: siti("02")})
		refused(t, err, codes.AlreadyExists, "CONTACT_DUPLICATE")
	})
}

// PLT-04: rules shift scores and force pairs; the answer says which rule of which version,
// and a rule that fails is passed over.
func testQuestions_score(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"PLT-04"}, func(t *testing.T, a, _ *api) {
		r := rulerOf(a)
		c := r.create(t, &contactv1.Contact{Kind: person, GivenName: "Made", FamilyName: "Wijaya", RegionCode: "ID"})
		r.create(t, &contactv1.Contact{Kind: person, GivenName: "Made", FamilyName: "Wijaya", RegionCode: "ID"})
		if found := r.scored(t, c, 0); len(found) != 0 {
			t.Fatalf("the names alone make %v", found)
		}
		before := r.scored(t, c, 1)[0].GetScore()
		shift := r.activate(t, answering(t, "duplicate", `duplicate.first.region_code == duplicate.second.region_code && duplicate.score > 5.0`, "shift_score", map[string]any{"by": 4}))
		r.activate(t, answering(t, "duplicate", `duplicate.first.custom_fields.level == 1.0`, "veto", nil)) // fails: there is none
		found := r.scored(t, c, 0)
		if len(found) != 1 || found[0].GetScore() != before+4 || found[0].GetStrength() != contactv1.MatchStrength_MATCH_STRENGTH_PROBABLE {
			t.Fatalf("shifted from %v: %v", before, found)
		}
		v := found[0].GetVerdicts()
		if len(v) != 2 || v[0].GetRule() != shift.GetName() || v[0].GetVersion() != 1 || v[0].GetShift() != 4 || v[1].GetFailure() != "the condition failed: no such key" {
			t.Errorf("by %v", v)
		}
		r.awaits(t, must(r.RetireRule(r.Ctx(), &platformv1.RetireRuleRequest{Name: shift.GetName()}))(t))
		r.activate(t, answering(t, "duplicate", "", "force", map[string]any{"from": 3}))
		if found := r.scored(t, c, 0); len(found) != 1 || len(found[0].GetVerdicts()) != 2 || found[0].GetVerdicts()[1].GetAction() != "force" || found[0].GetScore() != 13 {
			t.Errorf("forced: %v", found)
		}
		if pairs := must(r.ListDuplicates(r.Ctx(), &contactv1.ListDuplicatesRequest{}))(t).GetPairs(); len(pairs) != 1 || len(pairs[0].GetVerdicts()) == 0 {
			t.Errorf("pairs: %v", pairs)
		}
	})
}

// CON-22, PLT-04: a tenant's rule says whose value survives; the merge says which rule of
// which version, and what was not taken stays readable. A choice goes before it.
func testQuestions_survivorship(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-22", "PLT-04"}, func(t *testing.T, a, other *api) {
		r := rulerOf(a)
		quality := contactv1.NewQualityServiceClient(r.Conn)
		rule := r.activate(t, answering(t, "survivorship", `survivorship.merged.verified && !survivorship.survivor.verified ||
			survivorship.field == "custom_fields.level" && survivorship.merged.source == "bank"`, "take", map[string]any{"from": "merged"}))
		make := func(job, language, source string, level int) *contactv1.Contact {
			return r.create(t, &contactv1.Contact{
				Kind: person, DisplayName: "Nyoman", JobTitle: job, LanguageCode: language, Source: source, CustomFields: object(t, map[string]any{"level": level}),
			})
		}
		merge := func(choices ...*contactv1.MergeChoice) (*contactv1.Contact, map[string]*contactv1.MergeConflict) {
			survivor, merged := make("clerk", "id", "web", 1), make("director", "en", "bank", 2)
			must(quality.VerifyField(r.Ctx(), &contactv1.VerifyFieldRequest{Name: merged.GetName(), Field: "job_title", Method: contactv1.VerificationMethod_VERIFICATION_METHOD_PHONE}))(t)
			testkit.Eventually(t, func() error { // the verification is known a moment later
				would, err := r.PreviewMerge(r.Ctx(), &contactv1.PreviewMergeRequest{Name: survivor.GetName(), Contacts: []string{merged.GetName()}})
				if err == nil && would.GetContact().GetJobTitle() != "director" {
					err = fmt.Errorf("would be %v", would.GetContact())
				}
				return err
			})
			for i := range choices {
				choices[i].Contact = survivor.GetName()
			}
			would := must(r.PreviewMerge(r.Ctx(), &contactv1.PreviewMergeRequest{Name: survivor.GetName(), Contacts: []string{merged.GetName()}, Choices: choices}))(t)
			is := must(r.MergeContacts(r.Ctx(), &contactv1.MergeContactsRequest{Name: survivor.GetName(), Contacts: []string{merged.GetName()}, Choices: choices}))(t)
			if would.GetContact().GetJobTitle() != is.GetJobTitle() {
				t.Errorf("the preview said %v, and it is %v", would.GetContact(), is)
			}
			conflicts := map[string]*contactv1.MergeConflict{}
			for _, c := range must(r.ListContactMerges(r.Ctx(), &contactv1.ListContactMergesRequest{Contact: is.GetName()}))(t).GetContactMerges()[0].GetConflicts() {
				conflicts[c.GetField()] = c
			}
			return is, conflicts
		}
		is, conflicts := merge()
		if is.GetJobTitle() != "director" || is.GetLanguageCode() != "id" || is.GetCustomFields().GetFields()["level"].GetNumberValue() != 2 {
			t.Errorf("merged: %v", is)
		}
		byRule := contactv1.SurvivorshipStrategy_SURVIVORSHIP_STRATEGY_RULE
		for field, lost := range map[string]string{"job_title": "clerk", "custom_fields.level": "1"} {
			c := conflicts[field]
			if c.GetStrategy() != byRule || c.GetRule() != rule.GetName() || c.GetRuleVersion() != 1 || !c.GetReplaced() || c.GetLostValue() != lost {
				t.Errorf("%s was decided by %v", field, c)
			}
		}
		if c := conflicts["language_code"]; c.GetStrategy() == byRule || c.GetRule() != "" || c.GetLostValue() != "en" {
			t.Errorf("language_code was decided by %v", c)
		}
		if is, conflicts := merge(&contactv1.MergeChoice{Field: "job_title"}); is.GetJobTitle() != "clerk" || conflicts["job_title"].GetRule() != "" {
			t.Errorf("chosen: %v by %v", is, conflicts)
		}
		o := rulerOf(other)
		_, err := o.GetRule(o.Ctx(), &platformv1.GetRuleRequest{Name: rule.GetName()})
		refused(t, err, codes.NotFound, "RULE_NOT_FOUND")
	})
}

// PLT-04: rules that are asked are tried on samples and on the past like others, and what
// makes no sense for them is refused.
func testQuestions_tried(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"PLT-04", "CON-22"}, func(t *testing.T, a, other *api) {
		r, o := rulerOf(a), rulerOf(other)
		began := s.Clock.Now().Add(-time.Second)
		veto := answering(t, "duplicate", otherTaxID, "veto", nil)
		sample := object(t, map[string]any{"first": map[string]any{"externalIds": map[string]any{"npwp": "1"}}, "second": map[string]any{"externalIds": map[string]any{"npwp": "2"}}})
		got := must(r.TestRule(r.Ctx(), &platformv1.TestRuleRequest{Tested: &platformv1.TestRuleRequest_Rule{Rule: veto}, Sample: &platformv1.TestRuleRequest_Inline{Inline: sample}}))(t)
		if !got.GetMatches() || got.GetCost() == 0 || !strings.Contains(got.GetReadValues()["duplicate.first.external_ids"], "npwp") {
			t.Errorf("tested: %v", got)
		}
		_, err := r.TestRule(r.Ctx(), &platformv1.TestRuleRequest{Tested: &platformv1.TestRuleRequest_Rule{Rule: veto}, Sample: &platformv1.TestRuleRequest_Resource{Resource: "contacts/x"}})
		refused(t, err, codes.InvalidArgument, "FIELD_INVALID")

		one := r.create(t, siti("01"))
		two := must(r.CreateContact(r.Ctx(), &contactv1.CreateContactRequest{Contact: siti("02"), AllowDuplicates: true}))(t)
		simulate := func(of ruler, rule *platformv1.Rule) *platformv1.SimulateRuleResponse {
			return must(of.SimulateRule(of.Ctx(), &platformv1.SimulateRuleRequest{Simulated: &platformv1.SimulateRuleRequest_Rule{Rule: rule}, FromTime: timestamppb.New(began)}))(t)
		}
		if got := simulate(r, veto); got.GetEvents() != 1 || got.GetFirings() != 1 || got.GetSamples()[0].GetResource() != two.GetName() {
			t.Errorf("simulated: %v", got)
		}
		must(r.MergeContacts(r.Ctx(), &contactv1.MergeContactsRequest{Name: one.GetName(), Contacts: []string{two.GetName()}}))(t)
		take := answering(t, "survivorship", `survivorship.field == "external_ids" && survivorship.merged.value == "02"`, "take", map[string]any{"from": "merged"})
		if got := simulate(r, take); got.GetEvents() != 1 || got.GetFirings() != 1 || got.GetFailures() != 0 {
			t.Errorf("simulated: %v", got)
		}
		for _, rule := range []*platformv1.Rule{veto, take} {
			if got := simulate(o, rule); got.GetEvents() != 0 {
				t.Errorf("another tenant simulates on %v", got)
			}
		}
		for what, spoil := range map[string]func(*platformv1.Rule){
			"an event": func(p *platformv1.Rule) { p.Trigger = on("ContactCreated") },
			"a guard": func(p *platformv1.Rule) {
				p.Guard = &platformv1.RuleGuard{MaxFirings: 1, Window: durationpb.New(time.Hour)}
			},
			"an unknown answer": func(p *platformv1.Rule) { p.Actions[0].Action = "notify" },
			"a parameter":       func(p *platformv1.Rule) { p.Actions[0].Parameters = object(t, map[string]any{"by": 1}) },
			"a shift that is too large": func(p *platformv1.Rule) {
				p.Actions[0] = answering(t, "", "", "shift_score", map[string]any{"by": 1e9}).Actions[0]
			},
			"a scope":          func(p *platformv1.Rule) { p.Scope = &platformv1.RuleScope{Owners: []string{"users/a"}} },
			"an unknown field": func(p *platformv1.Rule) { p.Condition = "duplicate.colour == 1" },
		} {
			rule := answering(t, "duplicate", otherTaxID, "veto", nil)
			spoil(rule)
			_, err := r.CreateRule(r.Ctx(), &platformv1.CreateRuleRequest{Rule: rule})
			if errs.Code(err) != codes.InvalidArgument || errs.Reason(err) != "RULE_INVALID" {
				t.Errorf("%s answers %v", what, err)
			}
		}
		asking := labels(t, "x", veto.GetTrigger(), "true")
		_, err = r.CreateRule(r.Ctx(), &platformv1.CreateRuleRequest{Rule: asking})
		refused(t, err, codes.InvalidArgument, "RULE_INVALID")
	})
}
