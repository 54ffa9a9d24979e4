package store

import (
	"fmt"
	"maps"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/consent"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

var purposeTable = postgres.NewTable[consent.Purpose](postgres.Def{
	Name: "purpose", Kind: "purpose",
	Fields: timed(
		postgres.Field{Path: "code"},
		postgres.Field{Path: "legal_basis", Type: postgres.Enum, Values: contactv1.LegalBasis_value},
	),
	Orders:       [][]string{{"create_time"}, {"update_time"}, {"code"}},
	DefaultOrder: "code",
	Constraints: map[string]*errs.Error{
		"purpose_pkey":     errs.AlreadyExists("PURPOSE_EXISTS", "a purpose of this name exists already"),
		"purpose_code_key": errs.AlreadyExists("PURPOSE_CODE_TAKEN", "another purpose has this code"),
	},
})

func purposeStore(db *postgres.DB, log *eventlog.Log) *record.Store[consent.Purpose, *contactv1.Purpose] {
	return &record.Store[consent.Purpose, *contactv1.Purpose]{
		DB: db, Log: log, Table: purposeTable, Kind: "purpose", Collection: purposes,
		Meta:  func(p *consent.Purpose) *entity.Meta { return &p.Meta },
		Proto: purposeProto, Fill: fillPurpose, Event: purposeEvent,
	}
}

func purposeProto(p *consent.Purpose) *contactv1.Purpose {
	m := &contactv1.Purpose{
		Name:          named(purposes, p.ID),
		Code:          p.Code,
		DisplayName:   p.DisplayName,
		Description:   p.Description,
		LegalBasis:    contactv1.LegalBasis(p.Basis),
		ConsentDays:   p.ConsentDays,
		RetentionDays: p.RetentionDays,
		ExternalIds:   maps.Clone(p.ExternalIDs),
		Labels:        maps.Clone(p.Labels),
		CreateTime:    timestamppb.New(p.CreateTime),
		UpdateTime:    timestamppb.New(p.UpdateTime),
		DeleteTime:    fields.Timestamp(p.DeleteTime),
		Etag:          p.Etag(),
	}
	for _, role := range p.Roles {
		m.Roles = append(m.Roles, contactv1.RoleKind(role))
	}
	return m
}

func fillPurpose(p *consent.Purpose, m *contactv1.Purpose) error {
	r := &fields.Reader{In: "purpose"}
	p.Code = fields.Fixed(r, "code", p.Code, m.GetCode())
	p.DisplayName = r.RequiredLine("display_name", m.GetDisplayName())
	p.Description = r.Words(m.GetDescription())
	p.Basis = consent.Basis(m.GetLegalBasis())
	p.ConsentDays, p.RetentionDays = m.GetConsentDays(), m.GetRetentionDays()
	p.Roles = make([]contact.RoleKind, 0, len(m.GetRoles()))
	for _, role := range m.GetRoles() {
		p.Roles = append(p.Roles, contact.RoleKind(role))
	}
	p.ExternalIDs, p.Labels = maps.Clone(m.GetExternalIds()), maps.Clone(m.GetLabels())
	r.Add(p.Check()...)
	return r.Err()
}

func purposeEvent(p *consent.Purpose, e entity.Event) eventlog.Draft {
	state := purposeProto(p)
	var payload proto.Message
	switch e := e.(type) {
	case entity.Created:
		payload = &contactv1.PurposeCreated{Purpose: state}
	case entity.Updated:
		payload = &contactv1.PurposeUpdated{Purpose: state, Paths: e.Paths}
	case entity.Deleted:
		payload = &contactv1.PurposeDeleted{Purpose: state}
	case entity.Undeleted:
		payload = &contactv1.PurposeUndeleted{Purpose: state}
	default:
		panic(fmt.Sprintf("store: no event of a purpose is made of %s", e.EventName()))
	}
	return eventlog.Draft{Payload: payload}
}
