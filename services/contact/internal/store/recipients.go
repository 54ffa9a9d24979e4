package store

import (
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/disclosure"
)

var recipientTable = postgres.NewTable[disclosure.Recipient](postgres.Def{
	Name: "recipient", Kind: "recipient",
	Fields: timed(
		postgres.Field{Path: "display_name"},
		postgres.Field{Path: "recipient_class", Type: postgres.Enum, Values: contactv1.RecipientClass_value},
	),
	Orders:       [][]string{{"create_time"}, {"update_time"}, {"display_name"}},
	DefaultOrder: "display_name",
	Constraints: map[string]*errs.Error{
		"recipient_pkey": errs.AlreadyExists("RECIPIENT_EXISTS", "a recipient of this name exists already"),
	},
})

func recipientStore(db *postgres.DB, log *eventlog.Log) *record.Store[disclosure.Recipient, *contactv1.Recipient] {
	return &record.Store[disclosure.Recipient, *contactv1.Recipient]{
		DB: db, Log: log, Table: recipientTable, Kind: "recipient", Collection: recipients,
		Meta:  func(r *disclosure.Recipient) *entity.Meta { return &r.Meta },
		Proto: recipientProto, Fill: fillRecipient, Event: recipientEvent,
	}
}

func recipientProto(r *disclosure.Recipient) *contactv1.Recipient {
	return &contactv1.Recipient{
		Name:            named(recipients, r.ID),
		DisplayName:     r.DisplayName,
		RecipientClass:  contactv1.RecipientClass(r.Class),
		Contract:        r.Contract,
		ContractEndTime: fields.Timestamp(r.ContractEnd),
		Fields:          slices.Clone(r.Fields),
		Description:     r.Description,
		ExternalIds:     maps.Clone(r.ExternalIDs),
		Labels:          maps.Clone(r.Labels),
		CreateTime:      timestamppb.New(r.CreateTime),
		UpdateTime:      timestamppb.New(r.UpdateTime),
		DeleteTime:      fields.Timestamp(r.DeleteTime),
		Etag:            r.Etag(),
	}
}

func fillRecipient(d *disclosure.Recipient, p *contactv1.Recipient) error {
	r := &fields.Reader{In: "recipient"}
	d.DisplayName = r.RequiredLine("display_name", p.GetDisplayName())
	d.Class = disclosure.Class(p.GetRecipientClass())
	d.Contract = r.Line("contract", p.GetContract())
	d.ContractEnd = until(r, "contract_end_time", p.GetContractEndTime())
	d.Fields = append([]string{}, p.GetFields()...)
	d.Description = r.Words(p.GetDescription())
	d.ExternalIDs, d.Labels = maps.Clone(p.GetExternalIds()), maps.Clone(p.GetLabels())
	r.Add(d.Check()...)
	return r.Err()
}

func recipientEvent(d *disclosure.Recipient, e entity.Event) eventlog.Draft {
	state := recipientProto(d)
	var payload proto.Message
	switch e := e.(type) {
	case entity.Created:
		payload = &contactv1.RecipientCreated{Recipient: state}
	case entity.Updated:
		payload = &contactv1.RecipientUpdated{Recipient: state, Paths: e.Paths}
	case entity.Deleted:
		payload = &contactv1.RecipientDeleted{Recipient: state}
	case entity.Undeleted:
		payload = &contactv1.RecipientUndeleted{Recipient: state}
	default:
		panic(fmt.Sprintf("store: no event of a recipient is made of %s", e.EventName()))
	}
	return eventlog.Draft{Payload: payload}
}
