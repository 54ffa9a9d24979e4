package rules

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
)

// contactKind is a kind without a store.
var contactKind = KindOfEvents("contact", "contacts", &contactv1.Contact{}, nil, map[string]Action{
	"notify": {Check: func(*structpb.Struct) []errs.Violation { return nil }},
}, &contactv1.ContactCreated{})

func noPage(context.Context, uuid.UUID, string) ([]*resource, string, error) { return nil, "", nil }

func noPast(context.Context, uuid.UUID, time.Time, time.Time, func(Case) bool) (bool, error) {
	return false, nil
}

func ruleOn(condition string) *platformv1.Rule {
	return &platformv1.Rule{
		Name: "rules/x", Kind: "contact", Condition: condition, Actions: []*platformv1.RuleAction{{Action: "notify"}},
		Trigger: &platformv1.RuleTrigger{When: &platformv1.RuleTrigger_Events{Events: &platformv1.RuleEvents{Types: []string{"lingkar.contact.v1.ContactCreated"}}}},
	}
}

// PLT-04: what is wrong with a condition is said with its place, all of it at once.
func TestKind_compile(t *testing.T) {
	t.Parallel()
	for condition, said := range map[string]string{
		``:                         "",
		"  \n ":                    "",
		`contact.kind == "person"`: "no matching overload",
		`contact.kind == ContactKind.CONTACT_KIND_PERSON`: "",
		`contact.identifiers.exists(i, i.primary)`:        "",
		`contact.identifiers.all(i, i.colour == "")`:      "undefined field 'colour'",
		`contact.birthday.year > days(3)`:                 "no matching overload",
		`now - occurred_at > days(3)`:                     "",
		`"owner" in changed && actor != event_type`:       "",
		`sets.contains([1], [1]) && " x ".trim() == "x"`:  "",
		`system("rm")`:                         "undeclared reference",
		`env.HOME == ""`:                       "undeclared reference",
		`contact.note.matches("(")`:            "",
		"contact.region_code == 1 ||\n  other": "line 2, column 3",
		`contact`:                              "must answer bool",
		strings.Repeat("(", 300) + "true":      "rule.condition",
	} {
		_, err := contactKind.compile(ruleOn(condition))
		if text := errs.FieldViolations(err); (err == nil) != (said == "") || said != "" && !strings.Contains(violations(text), said) {
			t.Errorf("%.40q: %v %v, want %q", condition, err, text, said)
		}
	}
	spoilt := ruleOn("contact.nothing == 1 || contact.colour")
	spoilt.Actions, spoilt.Scope = nil, &platformv1.RuleScope{Owners: []string{"users/a"}}
	spoilt.Trigger = &platformv1.RuleTrigger{When: &platformv1.RuleTrigger_StateDuration{StateDuration: &platformv1.RuleStateDuration{Duration: durationpb.New(time.Hour)}}}
	_, err := contactKind.compile(spoilt)
	for _, said := range []string{"rule.trigger", "rule.actions", "undefined field 'nothing'", "undefined field 'colour'"} {
		if text := violations(errs.FieldViolations(err)); !strings.Contains(text, said) {
			t.Errorf("%q is missing in %s", said, text)
		}
	}
}

func violations[V any](all []V) string {
	var b strings.Builder
	for _, v := range all {
		b.WriteString(fmt.Sprint(v) + "; ")
	}
	return b.String()
}

// PLT-03: a condition costs so much at most, ends with its context, and what it says of
// its failure holds no value that it read.
func TestProgram_evaluate(t *testing.T) {
	t.Parallel()
	c := &contactv1.Contact{DisplayName: "Secret Name", Note: strings.Repeat("a", 3000), Labels: map[string]string{"a": "1"}}
	for condition, want := range map[string]struct {
		matches bool
		failure string
	}{
		`contact.display_name == "Secret Name"`:            {true, ""},
		`contact.display_name == "Another"`:                {false, ""},
		`contact.labels["b"] == "1"`:                       {false, "the condition failed: no such key"},
		`"b" in contact.labels && contact.labels.b == "1"`: {false, ""},
		`1 / (contact.identifiers.size()) == 1`:            {false, "the condition failed: division by zero"},
		`contact.identifiers[3].primary`:                   {false, "the condition failed: index out of bounds"},
		`int(contact.display_name) == 1`:                   {false, "the condition failed: type conversion error"},
		`contact.display_name.matches(contact.note + "(")`: {false, "the condition failed"},
		`[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, [1,2,3,4,5,6,7,8,9].all(d, a+b+c+d > 0))))`: {false, "the condition failed: cost limit exceeded"},
		`now - days(36601) < now`: {false, "the condition failed"},
	} {
		p, err := contactKind.compile(ruleOn(condition))
		if err != nil {
			t.Errorf("%s: %v", condition, err)
			continue
		}
		matches, cost, err := p.evaluate(t.Context(), input{resource: c, now: time.Now(), occurred: time.Now()})
		said := ""
		if err != nil {
			said = failure(err)
		}
		if matches != want.matches || said != want.failure || cost > 2*MaxCost {
			t.Errorf("%s: %v at %d, %q, want %v", condition, matches, cost, said, want)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	p, err := contactKind.compile(ruleOn(`[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, a+b+c > 0)))`))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.evaluate(ended, input{resource: c}); err == nil {
		t.Error("a condition goes on after its context has ended")
	}
}

// What a condition reads is told by path; what is personal is withheld.
func TestProgram_read(t *testing.T) {
	t.Parallel()
	p, err := contactKind.compile(ruleOn(`contact.region_code == "ID" && contact.given_name != "" && contact.preference.hours == "" && has(contact.birthday)`))
	if err != nil {
		t.Fatal(err)
	}
	c := &contactv1.Contact{RegionCode: "ID", GivenName: "Ani"}
	kept, shown := p.read(c, false), p.read(c, true)
	if kept["contact.region_code"] != `"ID"` || kept["contact.given_name"] != withheld || shown["contact.given_name"] != `"Ani"` || shown["contact.preference.hours"] != "null" {
		t.Errorf("kept %v, shown %v", kept, shown)
	}
}

// PLT-03: a schedule is due at its time of the day in its zone, on its days, also where
// clocks are changed.
func TestProgram_next(t *testing.T) {
	t.Parallel()
	scheduled := Kind{Name: "contact", Collection: "contacts", Empty: &contactv1.Contact{}, Actions: contactKind.Actions, page: noPage}
	for name, c := range map[string]struct {
		at, zone    string
		days        []int32
		after, want string
	}{
		"today":               {"08:00", "Asia/Jakarta", nil, "2027-03-01T00:59:00Z", "2027-03-01T01:00:00Z"},
		"at that very moment": {"08:00", "Asia/Jakarta", nil, "2027-03-01T01:00:00Z", "2027-03-02T01:00:00Z"},
		"on Fridays":          {"08:00", "Asia/Jakarta", []int32{5}, "2027-03-01T01:00:00Z", "2027-03-05T01:00:00Z"},
		"on Sundays":          {"23:30", "UTC", []int32{7}, "2027-03-01T00:00:00Z", "2027-03-07T23:30:00Z"},
		"in summer":           {"08:00", "Europe/Amsterdam", nil, "2027-03-27T12:00:00Z", "2027-03-28T06:00:00Z"},
		"a time that is not":  {"02:30", "Europe/Amsterdam", nil, "2027-03-27T12:00:00Z", "2027-03-28T01:30:00Z"},
		"over the year's end": {"00:00", "Asia/Jakarta", nil, "2027-12-31T17:00:00Z", "2028-01-01T17:00:00Z"},
	} {
		rule := ruleOn("")
		rule.Trigger = &platformv1.RuleTrigger{When: &platformv1.RuleTrigger_Schedule{Schedule: &platformv1.RuleSchedule{TimeOfDay: c.at, TimeZone: c.zone, Days: c.days}}}
		p, err := scheduled.compile(rule)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		after, err := time.Parse(time.RFC3339, c.after)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.next(after).Format(time.RFC3339); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// Rules are asked in their order, and one that stops is the last.
func TestPanel_Ask(t *testing.T) {
	t.Parallel()
	asked := KindOfQuestions("contact", &contactv1.Contact{}, noPast, map[string]Check{"say": func(*structpb.Struct) []errs.Violation { return nil }})
	panel := &Panel{}
	add := func(name, condition string, priority int32, stop bool) {
		rule := ruleOn(condition)
		rule.Name, rule.Priority, rule.StopOnMatch = name, priority, stop
		rule.Trigger = &platformv1.RuleTrigger{When: &platformv1.RuleTrigger_Consultation{Consultation: &platformv1.RuleConsultation{}}}
		rule.Actions[0].Action = "say"
		p, err := asked.compile(rule)
		if err != nil {
			t.Fatal(err)
		}
		panel.rules = append(panel.rules, &standing{definition: &definition{version: 7}, program: p})
	}
	add("c", "true", 0, false)
	add("b", `contact.labels["x"] == ""`, 1, true)
	add("a", `contact.region_code == "NL"`, 5, true)
	add("d", "true", -1, true)
	add("e", "true", -2, false)
	slices.SortFunc(panel.rules, func(a, b *standing) int { return order(a.program, b.program) })
	var said []string
	for _, v := range panel.Ask(t.Context(), &contactv1.Contact{}, time.Now()) {
		said = append(said, v.Rule+":"+v.Failure)
		if v.Version != 7 || (v.Failure == "") != (len(v.Actions) == 1) {
			t.Errorf("said %v", v)
		}
	}
	if want := []string{"b:the condition failed: no such key", "c:", "d:"}; !slices.Equal(said, want) {
		t.Errorf("said %q, want %q", said, want)
	}
	var none *Panel
	if !none.Empty() || none.Ask(t.Context(), &contactv1.Contact{}, time.Now()) != nil || none.Actions() != nil {
		t.Error("where there are no rules, somebody says something")
	}
}
