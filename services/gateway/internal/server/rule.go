package server

import (
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/rule"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/store"
)

func rules(db *postgres.DB, log *eventlog.Log) *record.Store[rule.Rule, *platformv1.Rule] {
	meta := func(r *rule.Rule) *entity.Meta { return &r.Meta }
	ids := store.ExternalIDs("rule", meta)
	return &record.Store[rule.Rule, *platformv1.Rule]{
		DB: db, Log: log, Table: store.Rules, Kind: "rule", Collection: ruleNames,
		Meta: meta, Proto: ruleMessage, Fill: fillRule, Event: ruleEvent,
		Extra: func(w *postgres.Writes, before, after *rule.Rule) {
			ids(w, before, after)
			store.KeepVersion(w, after, jsonOf(ruleMessage(after)))
		},
	}
}

// ruleMessage words a rule. What it says was written by specOf, so it can be read.
func ruleMessage(r *rule.Rule) *platformv1.Rule {
	p := &platformv1.Rule{}
	if text, err := json.Marshal(r.Spec); err == nil {
		_ = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(text, p)
	}
	p.Name = ruleNames + "/" + r.ID.String()
	p.DisplayName, p.Description, p.Kind = r.DisplayName, r.Description, r.Kind
	p.Version, p.State, p.ActiveVersion = r.Version, platformv1.RuleState(r.State), r.ActiveVersion
	p.ExternalIds, p.Labels, p.AllowedActions = r.ExternalIDs, r.Labels, r.AllowedActions()
	p.CreateTime, p.UpdateTime = timestamppb.New(r.CreateTime), timestamppb.New(r.UpdateTime)
	p.DeleteTime, p.Etag = fields.Timestamp(r.DeleteTime), r.Etag()
	return p
}

// specOf answers the part of a rule that a version is about.
func specOf(p *platformv1.Rule) *platformv1.Rule {
	return &platformv1.Rule{
		Trigger: p.GetTrigger(), Scope: p.GetScope(), Condition: p.GetCondition(), Actions: p.GetActions(),
		Priority: p.GetPriority(), StopOnMatch: p.GetStopOnMatch(), Guard: p.GetGuard(),
	}
}

func fillRule(r *rule.Rule, p *platformv1.Rule) error {
	f := fields.Reader{In: "rule"}
	before := specOf(ruleMessage(r))
	fillMarks(&r.Meta, p)
	r.DisplayName = f.RequiredLine("display_name", p.GetDisplayName())
	r.Description = f.Words(p.GetDescription())
	r.Kind = fields.Fixed(&f, "kind", r.Kind, p.GetKind())
	if r.Version == 0 {
		r.Version, r.State = 1, rule.Draft
	}
	if spec := specOf(p); r.Spec == nil || !proto.Equal(before, spec) {
		r.Write(objectOf(spec))
	}
	return f.Err()
}

func jsonOf(p *platformv1.Rule) []byte {
	text, err := protojson.Marshal(p)
	if err != nil {
		panic(fmt.Sprintf("server: a rule that was received cannot be written: %v", err))
	}
	return text
}

func objectOf(p *platformv1.Rule) map[string]any {
	object := map[string]any{}
	if err := json.Unmarshal(jsonOf(p), &object); err != nil {
		panic(fmt.Sprintf("server: a rule that was written cannot be read: %v", err))
	}
	return object
}

func ruleEvent(r *rule.Rule, e entity.Event) eventlog.Draft {
	now := ruleMessage(r)
	now.AllowedActions = nil
	switch e := e.(type) {
	case entity.Created:
		return eventlog.Draft{Payload: &platformv1.RuleCreated{Rule: now}}
	case entity.Updated:
		return eventlog.Draft{Payload: &platformv1.RuleUpdated{Rule: now, UpdateMask: maskOf(e)}}
	case entity.Deleted:
		return eventlog.Draft{Payload: &platformv1.RuleDeleted{Rule: now}}
	case entity.Undeleted:
		return eventlog.Draft{Payload: &platformv1.RuleUndeleted{Rule: now}}
	case rule.PreviewStarted:
		return eventlog.Draft{Payload: &platformv1.RulePreviewStarted{Rule: now}}
	case rule.Committed:
		return eventlog.Draft{Payload: &platformv1.RuleCommitted{Rule: now}}
	case rule.RolledBack:
		return eventlog.Draft{Payload: &platformv1.RuleRolledBack{Rule: now}}
	case rule.WasRetired:
		return eventlog.Draft{Payload: &platformv1.RuleRetired{Rule: now}}
	}
	panic(untold + e.EventName())
}
