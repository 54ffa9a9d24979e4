package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/rules"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/identity"
)

const (
	// SurvivorshipRules is the kind of the rules that say whose value survives a merge.
	SurvivorshipRules = "survivorship"
	// TakeValue is their answer; its parameter From says of which contact.
	TakeValue = "take"
	// FromMerged is From where it is the contact that is merged; else it is the survivor.
	FromMerged = "merged"
)

// panel answers the rules of a tenant that are asked about something.
func (s *Store) panel(ctx context.Context, tenant uuid.UUID, kind string) (*rules.Panel, error) {
	if s.Panel == nil {
		return nil, nil
	}
	return s.Panel(ctx, tenant, kind)
}

// judge answers what a tenant's rules say of the fields of contacts; nil where it has
// none.
func (s *Store) judge(ctx context.Context, tenant uuid.UUID, contacts []uuid.UUID) (identity.Judge, error) {
	panel, err := s.panel(ctx, tenant, SurvivorshipRules)
	if err != nil || panel.Empty() {
		return nil, err
	}
	verified, err := s.verified(ctx, tenant, contacts)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	return func(survivor, merged identity.Statement) (identity.Verdict, bool) {
		for _, v := range panel.Ask(ctx, survivorshipQuestion(survivor, merged, verified), now) {
			for _, a := range v.Actions {
				from := a.GetParameters().GetFields()["from"].GetStringValue()
				return identity.Verdict{Rule: v.Rule, Version: v.Version, Merged: from == FromMerged}, true
			}
		}
		return identity.Verdict{}, false
	}, nil
}

func survivorshipQuestion(survivor, merged identity.Statement, verified map[uuid.UUID]map[string]time.Time) *contactv1.SurvivorshipQuestion {
	return &contactv1.SurvivorshipQuestion{Field: survivor.Field, Survivor: claimProto(survivor, verified), Merged: claimProto(merged, verified)}
}

// claimProto words a claim. The name is verified as the one that is shown.
func claimProto(c identity.Statement, verified map[uuid.UUID]map[string]time.Time) *contactv1.FieldClaim {
	field := c.Field
	if field == "name" {
		field = "display_name"
	}
	m := &contactv1.FieldClaim{Contact: named(contacts, c.Contact), Value: c.Value, Source: c.Source, ObserveTime: timestamppb.New(c.Changed)}
	if at, ok := verified[c.Contact][field]; ok {
		m.Verified, m.VerifyTime = true, fields.Timestamp(&at)
	}
	return m
}

// PastConflicts visits what rules would have been asked about the merges of a span of
// time. Whether a field is verified is told as of now.
func (s *Store) PastConflicts(ctx context.Context, tenant uuid.UUID, from, to time.Time, visit func(rules.Case) bool) (truncated bool, err error) {
	for token := ""; ; {
		merges, next, err := s.Merges.Table.List(ctx, s.db, tenant, postgres.Query{
			PageToken: token, Subject: "services/rules", OrderBy: "create_time",
			Filter: fmt.Sprintf("create_time >= %q AND create_time < %q", from.Format(time.RFC3339Nano), to.Format(time.RFC3339Nano)),
		})
		if err != nil {
			return false, err
		}
		for _, m := range merges {
			more, err := s.visitConflicts(ctx, tenant, m, visit)
			if err != nil || !more {
				return false, err
			}
		}
		if token = next; token == "" {
			return false, nil
		}
	}
}

func (s *Store) visitConflicts(ctx context.Context, tenant uuid.UUID, m *identity.Merge, visit func(rules.Case) bool) (more bool, err error) {
	rows, err := s.Contacts.Table.GetAll(ctx, s.db, tenant, []uuid.UUID{m.Contact})
	if err != nil {
		return false, err
	}
	verified, err := s.verified(ctx, tenant, []uuid.UUID{m.Survivor, m.Contact})
	if err != nil {
		return false, err
	}
	for _, c := range m.Conflicts {
		survivor := identity.Statement{Contact: m.Survivor, Field: asked(c.Field), Value: c.Kept, Source: m.Before.Source, Changed: orElse(c.SurvivorChanged, m.CreateTime)}
		merged := identity.Statement{Contact: m.Contact, Field: asked(c.Field), Value: c.Lost, Source: rows[0].Source, Changed: orElse(c.MergedChanged, m.CreateTime)}
		if c.Replaced {
			survivor.Value, merged.Value = merged.Value, survivor.Value
		}
		if !visit(rules.Case{Name: named(contactMerges, m.ID), Question: survivorshipQuestion(survivor, merged, verified), At: m.CreateTime}) {
			return false, nil
		}
	}
	return true, nil
}

// asked is the field of which rules are asked for a conflict: that of a map, but for
// custom fields.
func asked(conflict string) string {
	name, _, entry := strings.Cut(conflict, ".")
	if entry && name != "custom_fields" {
		return name
	}
	return conflict
}

func orElse(t, other time.Time) time.Time {
	if t.IsZero() {
		return other
	}
	return t
}
