package server_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/gateway"
)

// ruler is a caller of contacts and of rules.
type ruler struct {
	*api
	platformv1.RuleServiceClient
}

func rulerOf(a *api) ruler { return ruler{a, platformv1.NewRuleServiceClient(a.Conn)} }

func object(t testing.TB, of map[string]any) *structpb.Struct {
	t.Helper()
	return must(structpb.NewStruct(of))(t)
}

// on is the trigger of a rule after events.
func on(events ...string) *platformv1.RuleTrigger {
	for i := range events {
		events[i] = "lingkar.contact.v1." + events[i]
	}
	return &platformv1.RuleTrigger{When: &platformv1.RuleTrigger_Events{Events: &platformv1.RuleEvents{Types: events}}}
}

// lasting is the trigger of a rule of state.
func lasting(d time.Duration, since string) *platformv1.RuleTrigger {
	return &platformv1.RuleTrigger{When: &platformv1.RuleTrigger_StateDuration{
		StateDuration: &platformv1.RuleStateDuration{Duration: durationpb.New(d), Since: since},
	}}
}

// labels is a rule that marks contacts.
func labels(t testing.TB, key string, trigger *platformv1.RuleTrigger, condition string) *platformv1.Rule {
	t.Helper()
	return &platformv1.Rule{
		DisplayName: "mark " + key, Kind: "contact", Trigger: trigger, Condition: condition,
		Actions: []*platformv1.RuleAction{{Action: "add_label", Parameters: object(t, map[string]any{"key": key, "value": "by rule"})}},
	}
}

// preview makes a rule and puts it into preview, at work in the service.
func (r ruler) preview(t testing.TB, rule *platformv1.Rule) *platformv1.Rule {
	t.Helper()
	made := must(r.CreateRule(r.Ctx(), &platformv1.CreateRuleRequest{Rule: rule}))(t)
	made = must(r.StartRulePreview(r.Ctx(), &platformv1.StartRulePreviewRequest{Name: made.GetName()}))(t)
	r.awaits(t, made)
	return made
}

// activate makes a rule and gives it effect.
func (r ruler) activate(t testing.TB, rule *platformv1.Rule) *platformv1.Rule {
	t.Helper()
	made := r.preview(t, rule)
	made = must(r.CommitRule(r.Ctx(), &platformv1.CommitRuleRequest{Name: made.GetName()}))(t)
	r.awaits(t, made)
	return made
}

// awaits waits until the service works by the rule as it is.
func (r ruler) awaits(t testing.TB, rule *platformv1.Rule) {
	t.Helper()
	testkit.Eventually(t, func() error {
		a, err := r.GetRuleActivity(r.Ctx(), &platformv1.GetRuleActivityRequest{Name: rule.GetName()})
		if err != nil {
			return err
		}
		soon := int64(0)
		if rule.GetState() == platformv1.RuleState_RULE_STATE_PREVIEW {
			soon = rule.GetVersion()
		}
		if a.GetActiveVersion() != rule.GetActiveVersion() || a.GetPreviewVersion() != soon {
			return fmt.Errorf("at work are %d and %d in preview, want %d and %d", a.GetActiveVersion(), a.GetPreviewVersion(), rule.GetActiveVersion(), soon)
		}
		return nil
	})
}

// decided waits for so many decisions of a rule with an outcome, and answers them.
func (r ruler) decided(t testing.TB, rule *platformv1.Rule, outcome string, n int) []*platformv1.RuleDecision {
	t.Helper()
	var found []*platformv1.RuleDecision
	testkit.Eventually(t, func() error {
		list, err := r.ListRuleDecisions(r.Ctx(), &platformv1.ListRuleDecisionsRequest{Name: rule.GetName(), Filter: `outcome = "` + outcome + `"`})
		if err != nil {
			return err
		}
		if found = list.GetDecisions(); len(found) != n {
			a, _ := r.GetRuleActivity(r.Ctx(), &platformv1.GetRuleActivityRequest{Name: rule.GetName()})
			return fmt.Errorf("%d decisions are %s, want %d; there are %v", len(found), outcome, n, a)
		}
		return nil
	})
	return found
}

// marked says whether a contact has the label.
func (r ruler) marked(t testing.TB, name, key string) bool {
	t.Helper()
	c := must(r.GetContact(r.Ctx(), &contactv1.GetContactRequest{Name: name}))(t)
	return c.GetLabels()[key] == "by rule"
}

// PLT-03, PLT-04: a rule is a draft, then counts what it would do, then does it, and
// says why; it is changed, rolled back and retired at run time.
func testRules(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"PLT-03", "PLT-04"}, func(t *testing.T, a, other *api) {
		r, o := rulerOf(a), rulerOf(other)
		rule := r.preview(t, labels(t, "local", on("ContactCreated"), `contact.region_code == "ID" && contact.given_name != ""`))
		first := r.create(t, &contactv1.Contact{Kind: person, GivenName: "Ani", RegionCode: "ID"})
		r.create(t, &contactv1.Contact{Kind: person, GivenName: "Ann", RegionCode: "NL"})
		if d := r.decided(t, rule, "RULE_OUTCOME_PREVIEWED", 1)[0]; d.GetResource() != first.GetName() || r.marked(t, first.GetName(), "local") {
			t.Errorf("a preview did something, or saw another: %v", d)
		}
		rule = must(r.CommitRule(r.Ctx(), &platformv1.CommitRuleRequest{Name: rule.GetName()}))(t)
		r.awaits(t, rule)
		theirs := o.create(t, &contactv1.Contact{Kind: person, GivenName: "Otto", RegionCode: "ID"})
		second := r.create(t, &contactv1.Contact{Kind: person, GivenName: "Budi", RegionCode: "ID"})
		d := r.decided(t, rule, "RULE_OUTCOME_FIRED", 1)[0]
		if d.GetResource() != second.GetName() || d.GetVersion() != 1 || d.GetBreach() != 1 || !r.marked(t, second.GetName(), "local") {
			t.Errorf("decided %v", d)
		}
		if v := d.GetMatchedValues(); v["contact.region_code"] != `"ID"` || v["contact.given_name"] != `"(personal)"` {
			t.Errorf("kept of what was read: %v", v)
		}
		x := must(r.ExplainDecision(r.Ctx(), &platformv1.ExplainDecisionRequest{EventId: d.GetEventId()}))(t).GetExplanations()[0]
		if x.GetRule().GetVersion() != 1 || !x.GetMatches() || x.GetInputs()["contact.given_name"] != `"Budi"` {
			t.Errorf("explained by %v", x)
		}
		if o.marked(t, theirs.GetName(), "local") {
			t.Error("another tenant's contact was changed")
		}
		testRules_hidden(t, o, rule, d)
		testRules_versions(t, r, rule)
	})
}

// testRules_hidden looks from another tenant.
func testRules_hidden(t *testing.T, o ruler, rule *platformv1.Rule, d *platformv1.RuleDecision) {
	t.Helper()
	for what, call := range map[string]func() error{
		"GetRule": func() error {
			_, err := o.GetRule(o.Ctx(), &platformv1.GetRuleRequest{Name: rule.GetName()})
			return err
		},
		"ListRuleVersions": func() error {
			_, err := o.ListRuleVersions(o.Ctx(), &platformv1.ListRuleVersionsRequest{Name: rule.GetName()})
			return err
		},
		"ListRuleDecisions": func() error {
			_, err := o.ListRuleDecisions(o.Ctx(), &platformv1.ListRuleDecisionsRequest{Name: rule.GetName()})
			return err
		},
		"GetRuleActivity": func() error {
			_, err := o.GetRuleActivity(o.Ctx(), &platformv1.GetRuleActivityRequest{Name: rule.GetName()})
			return err
		},
		"ExplainDecision": func() error {
			_, err := o.ExplainDecision(o.Ctx(), &platformv1.ExplainDecisionRequest{EventId: d.GetEventId()})
			return err
		},
	} {
		if err := call(); errs.Code(err) != codes.NotFound {
			t.Errorf("another tenant's %s answers %v", what, err)
		}
	}
	if list := must(o.ListRules(o.Ctx(), &platformv1.ListRulesRequest{}))(t); len(list.GetRules()) != 0 {
		t.Errorf("another tenant lists %v", list)
	}
}

// testRules_versions changes a rule that is active at version 1, goes back, and retires it.
func testRules_versions(t *testing.T, r ruler, rule *platformv1.Rule) {
	t.Helper()
	changed := must(r.UpdateRule(r.Ctx(), &platformv1.UpdateRuleRequest{
		Rule:       &platformv1.Rule{Name: rule.GetName(), Condition: `contact.region_code == "NL"`},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"condition"}},
	}))(t)
	if changed.GetVersion() != 2 || changed.GetState() != platformv1.RuleState_RULE_STATE_DRAFT || changed.GetActiveVersion() != 1 {
		t.Errorf("changed: %v", changed)
	}
	_, err := r.CommitRule(r.Ctx(), &platformv1.CommitRuleRequest{Name: rule.GetName()})
	refused(t, err, codes.FailedPrecondition, "RULE_NOT_IN_PREVIEW")
	must(r.StartRulePreview(r.Ctx(), &platformv1.StartRulePreviewRequest{Name: rule.GetName()}))(t)
	r.awaits(t, must(r.CommitRule(r.Ctx(), &platformv1.CommitRuleRequest{Name: rule.GetName()}))(t))
	dutch := r.create(t, &contactv1.Contact{Kind: person, GivenName: "Jan", RegionCode: "NL"})
	if d := r.decided(t, rule, "RULE_OUTCOME_FIRED", 2)[0]; d.GetVersion() != 2 || d.GetResource() != dutch.GetName() {
		t.Errorf("decided %v", d)
	}
	_, err = r.RollbackRule(r.Ctx(), &platformv1.RollbackRuleRequest{Name: rule.GetName(), Version: 7})
	refused(t, err, codes.NotFound, "RULE_VERSION_NOT_FOUND")
	back := must(r.RollbackRule(r.Ctx(), &platformv1.RollbackRuleRequest{Name: rule.GetName(), Version: 1}))(t)
	if back.GetVersion() != 3 || back.GetActiveVersion() != 3 || back.GetCondition() != rule.GetCondition() {
		t.Errorf("rolled back to %v", back)
	}
	r.awaits(t, back)
	list := must(r.ListRuleVersions(r.Ctx(), &platformv1.ListRuleVersionsRequest{Name: rule.GetName()}))(t).GetVersions()
	if len(list) != 3 || list[0].GetState() != platformv1.RuleState_RULE_STATE_ACTIVE || list[1].GetState() != platformv1.RuleState_RULE_STATE_RETIRED ||
		list[1].GetRule().GetCondition() != `contact.region_code == "NL"` {
		t.Errorf("the versions are %v", list)
	}
	r.awaits(t, must(r.RetireRule(r.Ctx(), &platformv1.RetireRuleRequest{Name: rule.GetName()}))(t))
	must(r.DeleteRule(r.Ctx(), &platformv1.DeleteRuleRequest{Name: rule.GetName()}))(t)
	again := must(r.UndeleteRule(r.Ctx(), &platformv1.UndeleteRuleRequest{Name: rule.GetName()}))(t)
	if again.GetActiveVersion() != 0 || again.GetState() != platformv1.RuleState_RULE_STATE_RETIRED {
		t.Errorf("brought back with effect: %v", again)
	}
}

// What is wrong with a rule is said when it is saved, with its place (PLT-04).
func testRules_checked(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"PLT-04"}, func(t *testing.T, a, _ *api) {
		r := rulerOf(a)
		created := on("ContactCreated")
		for condition, said := range map[string]string{
			`contact.colour == "red"`:            "column 8: undefined field 'colour'",
			`contact.region_code == 7`:           "no matching overload",
			`contact.region_code`:                "must answer bool",
			`region == "ID"`:                     "undeclared reference to 'region'",
			`contact.region_code == "ID" &&`:     "Syntax error",
			"true &&\n  contact.nothing == 1":    "line 2, column 10",
			strings.Repeat("(", 300) + "true":    "condition",
			`contact.birthday.year == "x" || 1`:  "no matching overload",
			`[1].exists(x, contact.nothing > x)`: "undefined field 'nothing'",
		} {
			_, err := r.CreateRule(r.Ctx(), &platformv1.CreateRuleRequest{Rule: labels(t, "x", created, condition)})
			refused(t, err, codes.InvalidArgument, "RULE_INVALID")
			if err != nil && !strings.Contains(fmt.Sprint(errs.FieldViolations(err)), said) {
				t.Errorf("%q is said to be %s, want %q", condition, fmt.Sprint(errs.FieldViolations(err)), said)
			}
		}
		for what, spoil := range map[string]func(*platformv1.Rule){
			"an event of another kind":    func(p *platformv1.Rule) { p.Trigger = on("ConsentGranted") },
			"an unknown action":           func(p *platformv1.Rule) { p.Actions[0].Action = "explode" },
			"a parameter that is missing": func(p *platformv1.Rule) { p.Actions[0].Parameters = nil },
			"a parameter that is unknown": func(p *platformv1.Rule) { p.Actions[0].Parameters.Fields["size"] = structpb.NewStringValue("x") },
			"a parameter of another type": func(p *platformv1.Rule) { p.Actions[0].Parameters.Fields["key"] = structpb.NewNumberValue(1) },
			"a field that cannot be set": func(p *platformv1.Rule) {
				p.Actions[0] = &platformv1.RuleAction{Action: "set_field", Parameters: object(t, map[string]any{"field": "customer_id"})}
			},
			"a kind nobody has":            func(p *platformv1.Rule) { p.Kind = "spaceship" },
			"a time zone that is none":     func(p *platformv1.Rule) { p.Trigger = daily("08:00", "Mars/Olympus") },
			"a field of time that is none": func(p *platformv1.Rule) { p.Trigger = lasting(time.Hour, "display_name") },
			"a scope that cannot be": func(p *platformv1.Rule) {
				p.Kind, p.Trigger = "consent", on("ConsentGranted")
				p.Scope = &platformv1.RuleScope{Owners: []string{"users/a"}}
			},
		} {
			rule := labels(t, "x", created, "true")
			spoil(rule)
			_, err := r.CreateRule(r.Ctx(), &platformv1.CreateRuleRequest{Rule: rule})
			if errs.Code(err) != codes.InvalidArgument || errs.Reason(err) != "RULE_INVALID" {
				t.Errorf("%s answers %v", what, err)
			}
		}
		rule := must(r.CreateRule(r.Ctx(), &platformv1.CreateRuleRequest{Rule: labels(t, "x", created, "true")}))(t)
		_, err := r.UpdateRule(r.Ctx(), &platformv1.UpdateRuleRequest{
			Rule: &platformv1.Rule{Name: rule.GetName(), Condition: "contact.colour"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"condition"}},
		})
		refused(t, err, codes.InvalidArgument, "RULE_INVALID")
	})
}

func daily(at, zone string) *platformv1.RuleTrigger {
	return &platformv1.RuleTrigger{When: &platformv1.RuleTrigger_Schedule{Schedule: &platformv1.RuleSchedule{TimeOfDay: at, TimeZone: zone}}}
}

// A rule is tried on samples and on history, before it does anything (PLT-04).
func testRules_tried(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"PLT-04"}, func(t *testing.T, a, other *api) {
		r := rulerOf(a)
		began := s.Clock.Now().Add(-time.Second)
		rule := labels(t, "x", on("ContactCreated"), `contact.region_code == "ID" && contact.custom_fields.level > 3.0`)
		ani := r.create(t, &contactv1.Contact{Kind: person, GivenName: "Ani", RegionCode: "ID", CustomFields: object(t, map[string]any{"level": 5})})
		r.create(t, &contactv1.Contact{Kind: person, GivenName: "Budi", RegionCode: "ID", CustomFields: object(t, map[string]any{"level": 1})})
		r.create(t, &contactv1.Contact{Kind: person, GivenName: "Cici", RegionCode: "ID"})
		try := func(q *platformv1.TestRuleRequest) (*platformv1.TestRuleResponse, error) {
			q.Tested = &platformv1.TestRuleRequest_Rule{Rule: rule}
			return r.TestRule(r.Ctx(), q)
		}
		got := must(try(&platformv1.TestRuleRequest{Sample: &platformv1.TestRuleRequest_Resource{Resource: ani.GetName()}}))(t)
		if !got.GetMatches() || !got.GetInScope() || got.GetReadValues()["contact.region_code"] != `"ID"` || got.GetCost() == 0 {
			t.Errorf("on a stored contact: %v", got)
		}
		inline := &platformv1.TestRuleRequest_Inline{Inline: object(t, map[string]any{"regionCode": "ID"})}
		if got := must(try(&platformv1.TestRuleRequest{Sample: inline}))(t); got.GetMatches() || !strings.Contains(got.GetError(), "no such key") {
			t.Errorf("on a sample without the field: %v", got)
		}
		_, err := try(&platformv1.TestRuleRequest{Sample: &platformv1.TestRuleRequest_Inline{Inline: object(t, map[string]any{"colour": "red"})}})
		refused(t, err, codes.InvalidArgument, "FIELD_INVALID")
		_, err = rulerOf(other).TestRule(other.Ctx(), &platformv1.TestRuleRequest{
			Tested: &platformv1.TestRuleRequest_Rule{Rule: rule}, Sample: &platformv1.TestRuleRequest_Resource{Resource: ani.GetName()},
		})
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")

		simulate := func(of ruler) *platformv1.SimulateRuleResponse {
			return must(of.SimulateRule(of.Ctx(), &platformv1.SimulateRuleRequest{
				Simulated: &platformv1.SimulateRuleRequest_Rule{Rule: rule}, FromTime: timestamppb.New(began),
			}))(t)
		}
		if got := simulate(r); got.GetEvents() != 3 || got.GetFirings() != 1 || got.GetFailures() != 1 || len(got.GetSamples()) != 1 || got.GetSamples()[0].GetResource() != ani.GetName() {
			t.Errorf("simulated: %v", got)
		}
		if got := simulate(rulerOf(other)); got.GetEvents() != 0 {
			t.Errorf("another tenant simulates on %v", got)
		}
		if r.marked(t, ani.GetName(), "x") {
			t.Error("a simulation did something")
		}
	})
}

// A rule that fails is parked; what failed and what came meanwhile is decided by its
// next version, and nothing is lost (PLT-03).
func testRules_parked(t *testing.T, s *testkit.Suite) {
	a, _ := fresh(t, s)
	testkit.Prove(t, testkit.GRPC, "PLT-03")
	r := rulerOf(a)
	rule := r.activate(t, labels(t, "high", on("ContactCreated"), "contact.custom_fields.level > 3.0"))
	r.create(t, &contactv1.Contact{Kind: person, GivenName: "Nobody's level"})
	r.decided(t, rule, "RULE_OUTCOME_FAILED", 1)
	high := r.create(t, &contactv1.Contact{Kind: person, GivenName: "High", CustomFields: object(t, map[string]any{"level": 9})})
	r.decided(t, rule, "RULE_OUTCOME_WAITING", 1)
	activity := must(r.GetRuleActivity(r.Ctx(), &platformv1.GetRuleActivityRequest{Name: rule.GetName()}))(t)
	if !strings.Contains(activity.GetParked(), "no such key") {
		t.Errorf("parked for %q", activity.GetParked())
	}
	must(r.UpdateRule(r.Ctx(), &platformv1.UpdateRuleRequest{Rule: &platformv1.Rule{
		Name: rule.GetName(), Condition: `"level" in contact.custom_fields && contact.custom_fields.level > 3.0`,
	}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"condition"}}}))(t)
	must(r.StartRulePreview(r.Ctx(), &platformv1.StartRulePreviewRequest{Name: rule.GetName()}))(t)
	must(r.CommitRule(r.Ctx(), &platformv1.CommitRuleRequest{Name: rule.GetName()}))(t)
	if d := r.decided(t, rule, "RULE_OUTCOME_FIRED", 1)[0]; d.GetResource() != high.GetName() || d.GetVersion() != 2 {
		t.Errorf("decided %v", d)
	}
	r.decided(t, rule, "RULE_OUTCOME_LAPSED", 1)
	r.decided(t, rule, "RULE_OUTCOME_WAITING", 0)
	if !r.marked(t, high.GetName(), "high") {
		t.Error("what waited was not done")
	}
}

// Rules that set each other off end; a guard holds (PLT-03, PLT-33).
func testRules_guarded(t *testing.T, s *testkit.Suite) {
	a, _ := fresh(t, s)
	testkit.Prove(t, testkit.GRPC, "PLT-03", "PLT-33")
	r := rulerOf(a)
	flip := func(from, to string) *platformv1.Rule {
		p := labels(t, "x", on("ContactCreated", "ContactUpdated"), `contact.job_title == "`+from+`"`)
		p.Actions = []*platformv1.RuleAction{{Action: "set_field", Parameters: object(t, map[string]any{"field": "job_title", "value": to})}}
		return p
	}
	ping, pong := r.activate(t, flip("ping", "pong")), r.activate(t, flip("pong", "ping"))
	r.create(t, &contactv1.Contact{Kind: person, GivenName: "Ball", JobTitle: "ping"})
	testkit.Eventually(t, func() error {
		for _, rule := range []*platformv1.Rule{ping, pong} {
			list, err := r.ListRuleDecisions(r.Ctx(), &platformv1.ListRuleDecisionsRequest{Name: rule.GetName(), Filter: `outcome = "RULE_OUTCOME_SUPPRESSED"`})
			if err == nil && len(list.GetDecisions()) == 1 && list.GetDecisions()[0].GetDepth() == 6 {
				return nil
			}
		}
		return errors.New("the game goes on")
	})
	guarded := labels(t, "few", on("ContactCreated"), "contact.given_name == 'Guarded'")
	guarded.Guard = &platformv1.RuleGuard{MaxFirings: 2, Window: durationpb.New(time.Hour)}
	rule := r.activate(t, guarded)
	for range 5 {
		must(r.CreateContact(r.Ctx(), &contactv1.CreateContactRequest{Contact: &contactv1.Contact{Kind: person, GivenName: "Guarded"}, AllowDuplicates: true}))(t)
	}
	r.decided(t, rule, "RULE_OUTCOME_SUPPRESSED", 3)
	r.decided(t, rule, "RULE_OUTCOME_FIRED", 2)
}

// A rule of state fires when its time has come, once, with several replicas and after a
// restart, and not where the state ended before (PLT-03).
func TestRules_ofState(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, contact.Definition, gateway.With(gateway.Config{}))
	testkit.Prove(t, testkit.GRPC, "PLT-03")
	second := s.Replica(t, contact.Definition, 0)
	a := of(s.Client(t, s.As(auth.Admin)))
	r := rulerOf(a)
	before := r.create(t, &contactv1.Contact{Kind: person, GivenName: "Before", Owner: "users/none"})
	rule := r.activate(t, labels(t, "idle", lasting(48*time.Hour, ""), `contact.owner == "users/none"`))
	since := r.activate(t, labels(t, "old", lasting(72*time.Hour, "create_time"), `true`))
	stays := r.create(t, &contactv1.Contact{Kind: person, GivenName: "Stays", Owner: "users/none"})
	leaves := r.create(t, &contactv1.Contact{Kind: person, GivenName: "Leaves", Owner: "users/none"})
	must(r.UpdateContact(r.Ctx(), &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: leaves.GetName(), Owner: "users/ani"}}))(t)
	s.Clock.Advance(47 * time.Hour)
	r.create(t, &contactv1.Contact{Kind: person, GivenName: "Marker"})
	r.decided(t, rule, "RULE_OUTCOME_FIRED", 0)
	second.Stop(t)
	s.Clock.Advance(2 * time.Hour)
	second.Start(t)
	fired := map[string]bool{}
	for _, d := range r.decided(t, rule, "RULE_OUTCOME_FIRED", 2) {
		fired[d.GetResource()] = true
	}
	if !fired[before.GetName()] || !fired[stays.GetName()] || !r.marked(t, before.GetName(), "idle") || r.marked(t, leaves.GetName(), "idle") {
		t.Errorf("fired for %v", fired)
	}
	s.Clock.Advance(24 * time.Hour)
	r.decided(t, since, "RULE_OUTCOME_FIRED", 3)
	must(r.UpdateContact(r.Ctx(), &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: stays.GetName(), JobTitle: "clerk"}}))(t)
	s.Clock.Advance(96 * time.Hour)
	r.decided(t, since, "RULE_OUTCOME_FIRED", 4) // the marker's, created later
	if n := len(r.decided(t, rule, "RULE_OUTCOME_FIRED", 2)); n != 2 {
		t.Errorf("a state fired %d times", n)
	}
	s.Clock.Advance(2 * 365 * 24 * time.Hour) // longer than decisions are kept
	second.Stop(t)
	second.Start(t)
	r.decided(t, rule, "RULE_OUTCOME_FIRED", 0)
}

// A schedule looks at all resources at its times, and once for the times that passed
// while nobody ran (PLT-03).
func TestRules_ofSchedule(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, contact.Definition, gateway.With(gateway.Config{}))
	testkit.Prove(t, testkit.GRPC, "PLT-03")
	s.Clock.Set(time.Date(2027, 3, 1, 0, 30, 0, 0, time.UTC)) // 07:30 in Jakarta
	a := of(s.Client(t, s.User(entity.NewID(), "ann", auth.Admin)))
	r := rulerOf(a)
	for i := range 3 {
		r.create(t, &contactv1.Contact{Kind: person, GivenName: fmt.Sprint("Contact ", i), RegionCode: []string{"ID", "NL"}[i%2]})
	}
	rule := r.activate(t, labels(t, "daily", daily("08:00", "Asia/Jakarta"), `contact.region_code == "ID"`))
	r.decided(t, rule, "RULE_OUTCOME_FIRED", 0)
	s.Clock.Advance(time.Hour)
	r.decided(t, rule, "RULE_OUTCOME_FIRED", 2)
	s.Clock.Advance(3 * 24 * time.Hour)
	r.decided(t, rule, "RULE_OUTCOME_FIRED", 4)
}
