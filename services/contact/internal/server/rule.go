package server

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/rules"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/timer"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store"
)

// RuleServer runs the rules about the resources of this service.
type RuleServer struct {
	contactv1.UnsafeRuleEngineServiceServer
	*rules.Engine
}

// NewRuleServer makes the server, with its timers.
func NewRuleServer(rt *service.Runtime, s *store.Store, timers *timer.Runner) *RuleServer {
	fired := func(d *platformv1.RuleDecision) proto.Message { return &contactv1.RuleFired{Decision: d} }
	return &RuleServer{Engine: rules.New(rt, timers, fired,
		rules.KindOf(s.Contacts, contactActions(s),
			&contactv1.ContactCreated{}, &contactv1.ContactUpdated{}, &contactv1.ContactDeleted{}, &contactv1.ContactUndeleted{},
			&contactv1.ContactClaimed{}, &contactv1.ContactMerged{}, &contactv1.ContactUnmerged{},
			&contactv1.RoleAssigned{}, &contactv1.RoleEnded{}, &contactv1.ContactRestricted{}, &contactv1.ContactRestrictionLifted{},
			&contactv1.ContactErased{}, &contactv1.FieldVerified{}),
		rules.KindOf(s.Interactions, notices(), &contactv1.InteractionRecorded{}),
		rules.KindOf(s.Relationships, notices(), &contactv1.RelationshipCreated{}, &contactv1.RelationshipUpdated{},
			&contactv1.RelationshipEnded{}, &contactv1.RelationshipDeleted{}, &contactv1.RelationshipUndeleted{}),
		rules.KindOf(s.Consents, notices(), &contactv1.ConsentGranted{}, &contactv1.ConsentRevoked{}, &contactv1.ObjectionRecorded{}),
		rules.KindOfEvents("lifecycle", "lifecycles", &contactv1.Lifecycle{}, s.ReadLifecycle, lifecycleActions(s), &contactv1.LifecycleChanged{}),
		rules.KindOfQuestions(store.DuplicateRules, &contactv1.DuplicateQuestion{}, s.PastPairs, map[string]rules.Check{
			store.VetoPair: check(), store.ForcePair: checkBits("from", 0), store.ShiftScore: checkBits("by", -maxBits),
		}),
		rules.KindOfQuestions(store.SurvivorshipRules, &contactv1.SurvivorshipQuestion{}, s.PastConflicts, map[string]rules.Check{
			store.TakeValue: check(parameter{name: "from", required: true, longest: longestText, among: []string{"survivor", store.FromMerged}}),
		}),
	)}
}

// parameter describes one of an action: a text that may be required, or of a few values.
type parameter struct {
	name     string
	required bool
	longest  int
	among    []string
}

// check answers what is wrong with parameters, of which all are texts.
func check(wanted ...parameter) func(*structpb.Struct) []errs.Violation {
	return func(p *structpb.Struct) (v []errs.Violation) {
		known := map[string]parameter{}
		for _, w := range wanted {
			known[w.name] = w
			if _, given := p.GetFields()[w.name]; w.required && !given {
				v = append(v, errs.Violation{Field: w.name, Description: "must be given"})
			}
		}
		for _, name := range slices.Sorted(maps.Keys(p.GetFields())) {
			w, ok := known[name]
			value, text := p.GetFields()[name].GetKind().(*structpb.Value_StringValue)
			switch {
			case !ok:
				v = append(v, errs.Violation{Field: name, Description: "is no parameter of this action"})
			case !text:
				v = append(v, errs.Violation{Field: name, Description: "must be a text"})
			case len(value.StringValue) > w.longest || w.required && value.StringValue == "":
				v = append(v, errs.Violation{Field: name, Description: "is empty or too long"})
			case len(w.among) > 0 && !slices.Contains(w.among, value.StringValue):
				v = append(v, errs.Violation{Field: name, Description: "is none of " + strings.Join(w.among, ", ")})
			}
		}
		return v
	}
}

// maxBits is the most that a rule can add to a score, or take from it.
const maxBits = 100

// checkBits answers what is wrong with parameters that are one number of bits.
func checkBits(name string, least float64) rules.Check {
	return func(p *structpb.Struct) (v []errs.Violation) {
		for _, other := range slices.Sorted(maps.Keys(p.GetFields())) {
			if other != name {
				v = append(v, errs.Violation{Field: other, Description: "is no parameter of this action"})
			}
		}
		bits, number := p.GetFields()[name].GetKind().(*structpb.Value_NumberValue)
		if !number || !(bits.NumberValue >= least && bits.NumberValue <= maxBits) {
			v = append(v, errs.Violation{Field: name, Description: fmt.Sprintf("must be a number from %g to %d", least, maxBits)})
		}
		return v
	}
}

// notices are the actions of every kind: to tell somebody, by the event that the rule
// fired, which carries the parameters.
func notices() map[string]rules.Action {
	return map[string]rules.Action{"notify": {
		Check: check(parameter{name: "to", required: true, longest: 200}, parameter{name: "text", required: true, longest: 1000}),
		Do:    func(*record.Unit, string, *structpb.Struct) error { return nil },
	}}
}

// The limits of labels are those of the contract.
const (
	longestKey   = 63
	longestLabel = 255
	longestText  = 200
)

// settable are the fields that rules can set.
var settable = []string{"language_code", "region_code", "note", "source", "job_title", "organisation_name"}

// contactActions are what rules can do to contacts.
func contactActions(s *store.Store) map[string]rules.Action {
	actions := notices()
	text := func(p *structpb.Struct, name string) string { return p.GetFields()[name].GetStringValue() }
	add := func(name string, change func(*contactv1.Contact, *structpb.Struct) string, parameters ...parameter) {
		actions[name] = rules.Action{Check: check(parameters...), Do: func(u *record.Unit, resource string, p *structpb.Struct) error {
			return changeContact(u, s, resource, func(c *contactv1.Contact) string { return change(c, p) })
		}}
	}
	add("add_label", func(c *contactv1.Contact, p *structpb.Struct) string {
		if c.Labels == nil {
			c.Labels = map[string]string{}
		}
		c.Labels[text(p, "key")] = text(p, "value")
		return "labels"
	}, parameter{name: "key", required: true, longest: longestKey}, parameter{name: "value", longest: longestLabel})
	add("remove_label", func(c *contactv1.Contact, p *structpb.Struct) string {
		delete(c.Labels, text(p, "key"))
		return "labels"
	}, parameter{name: "key", required: true, longest: longestKey})
	add("set_owner", func(c *contactv1.Contact, p *structpb.Struct) string {
		c.Owner = text(p, "owner")
		return "owner"
	}, parameter{name: "owner", longest: longestText})
	add("set_team", func(c *contactv1.Contact, p *structpb.Struct) string {
		c.Team = text(p, "team")
		return "team"
	}, parameter{name: "team", longest: longestText})
	add("set_field", func(c *contactv1.Contact, p *structpb.Struct) string {
		field := text(p, "field")
		m := c.ProtoReflect()
		f := m.Descriptor().Fields().ByName(protoreflect.Name(field))
		m.Set(f, protoreflect.ValueOfString(text(p, "value")))
		return field
	}, parameter{name: "field", required: true, longest: longestKey, among: settable}, parameter{name: "value", longest: longestText})
	return actions
}

// lifecycleActions are what rules can do where a contact moved: the same as to a contact.
func lifecycleActions(s *store.Store) map[string]rules.Action {
	actions := contactActions(s)
	for name, action := range actions {
		do := action.Do
		action.Do = func(u *record.Unit, resource string, p *structpb.Struct) error {
			return do(u, "contacts/"+strings.TrimPrefix(resource, "lifecycles/"), p)
		}
		actions[name] = action
	}
	return actions
}

// changeContact changes a contact as UpdateContact does. Change answers the field that it
// changed.
func changeContact(u *record.Unit, s *store.Store, name string, change func(*contactv1.Contact) string) error {
	id, err := s.Contacts.ParseName(name)
	if err != nil {
		return err
	}
	rows, err := s.Contacts.LockAllIn(u, []uuid.UUID{id})
	if err != nil {
		return err
	}
	row := rows[id]
	if row == nil {
		return errs.NotFound("contact", name)
	}
	wanted := s.Contacts.Proto(row)
	field := change(wanted)
	wanted.Etag = ""
	return s.Contacts.UpdateIn(u, row, wanted, &fieldmaskpb.FieldMask{Paths: []string{field}})
}
