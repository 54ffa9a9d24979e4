package store

import (
	"fmt"
	"maps"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/legalhold"
)

var legalHoldTable = postgres.NewTable[legalhold.Hold](postgres.Def{
	Name: "legal_hold", Kind: "legal hold",
	Fields: timed(
		postgres.Field{Path: "contact", Type: postgres.UUID},
		postgres.Field{Path: "end_time", Type: postgres.Time},
	),
	Orders:       [][]string{{"create_time"}, {"update_time"}, {"contact", "create_time"}},
	DefaultOrder: "create_time desc",
	Constraints: map[string]*errs.Error{
		"legal_hold_pkey":         errs.AlreadyExists("LEGAL_HOLD_EXISTS", "a legal hold of this name exists already"),
		"legal_hold_contact_fkey": noContact,
		"contact_erased":          errErased,
	},
})

func legalHoldStore(db *postgres.DB, log *eventlog.Log) *record.Store[legalhold.Hold, *contactv1.LegalHold] {
	return &record.Store[legalhold.Hold, *contactv1.LegalHold]{
		DB: db, Log: log, Table: legalHoldTable, Kind: "legal hold", Collection: legalHolds,
		Meta:     func(h *legalhold.Hold) *entity.Meta { return &h.Meta },
		Contacts: func(h *legalhold.Hold) []uuid.UUID { return []uuid.UUID{h.Contact} },
		Proto:    legalHoldProto, Fill: fillLegalHold, Event: legalHoldEvent,
	}
}

func legalHoldProto(h *legalhold.Hold) *contactv1.LegalHold {
	return &contactv1.LegalHold{
		Name:        named(legalHolds, h.ID),
		Contact:     named(contacts, h.Contact),
		Matter:      h.Matter,
		EndTime:     fields.Timestamp(h.End),
		ExternalIds: maps.Clone(h.ExternalIDs),
		Labels:      maps.Clone(h.Labels),
		CreateTime:  timestamppb.New(h.CreateTime),
		UpdateTime:  timestamppb.New(h.UpdateTime),
		DeleteTime:  fields.Timestamp(h.DeleteTime),
		Etag:        h.Etag(),
	}
}

func fillLegalHold(h *legalhold.Hold, p *contactv1.LegalHold) error {
	r := &fields.Reader{In: "legal_hold"}
	h.Contact = fields.Fixed(r, "contact", h.Contact, r.Ref("contact", contacts, p.GetContact()))
	h.Matter = r.RequiredLine("matter", p.GetMatter())
	h.End = until(r, "end_time", p.GetEndTime())
	h.ExternalIDs, h.Labels = maps.Clone(p.GetExternalIds()), maps.Clone(p.GetLabels())
	return r.Err()
}

func legalHoldEvent(h *legalhold.Hold, e entity.Event) eventlog.Draft {
	state := legalHoldProto(h)
	var payload proto.Message
	switch e := e.(type) {
	case entity.Created:
		payload = &contactv1.LegalHoldCreated{LegalHold: state}
	case entity.Updated:
		payload = &contactv1.LegalHoldUpdated{LegalHold: state, Paths: e.Paths}
	case entity.Deleted:
		payload = &contactv1.LegalHoldDeleted{LegalHold: state}
	case entity.Undeleted:
		payload = &contactv1.LegalHoldUndeleted{LegalHold: state}
	default:
		panic(fmt.Sprintf("store: no event of a legal hold is made of %s", e.EventName()))
	}
	return eventlog.Draft{Payload: payload, Contacts: []uuid.UUID{h.Contact}}
}
