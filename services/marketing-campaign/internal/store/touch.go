package store

import (
	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/survivor"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/touch"
)

func newTouches(db *postgres.DB, log *eventlog.Log) *record.Store[touch.Touch, *campaignv1.Touch] {
	return &record.Store[touch.Touch, *campaignv1.Touch]{
		DB: db, Log: log, Kind: "touch", Collection: touches,
		Table:    postgres.NewTable[touch.Touch](touchTable),
		Meta:     func(t *touch.Touch) *entity.Meta { return &t.Meta },
		Contacts: func(t *touch.Touch) []uuid.UUID { return []uuid.UUID{t.Contact} },
		Proto:    TouchProto,
		Fill:     func(*touch.Touch, *campaignv1.Touch) error { return nil }, // nobody writes a touch
		Event:    touchEvent,
		Extra:    touchRows,
	}
}

var touchTable = postgres.Def{
	Name: "touch",
	Kind: "touch",
	Fields: []postgres.Field{
		{Path: "campaign", Type: postgres.UUID},
		{Path: "contact", Type: postgres.UUID, Family: survivor.Function},
		enum("channel", eventv1.Channel_value, "CHANNEL_"),
		enum("status", campaignv1.TouchStatus_value, "TOUCH_STATUS_"),
		enum("suppress_reason", campaignv1.SuppressReason_value, "SUPPRESS_REASON_"),
		{Path: "owner"},
		{Path: "team"},
		{Path: "send_time", Type: postgres.Time},
		{Path: "answer_time", Type: postgres.Time},
		{Path: "create_time", Type: postgres.Time},
		{Path: "update_time", Type: postgres.Time},
	},
	Orders: [][]string{
		{"create_time"},
		{"update_time"},
		{"campaign", "create_time"},
		{"campaign", "status", "create_time"},
		{"contact", "create_time"},
	},
	DefaultOrder: "create_time desc",
	Constraints: map[string]*errs.Error{
		"touch_campaign_contact_key": ErrTouchExists,
		"touch_campaign_fkey":        errs.NotFound("campaign", ""),
	},
}

// ErrTouchExists says that a campaign has touched a contact already, or is about
// to.
var ErrTouchExists = errs.AlreadyExists("TOUCH_EXISTS", "the campaign touches this contact already")

// TouchProto words a touch as the answer.
func TouchProto(t *touch.Touch) *campaignv1.Touch {
	return &campaignv1.Touch{
		Name:           t.Name(),
		Campaign:       fields.Name(campaigns, &t.Campaign),
		Contact:        fields.Name(contacts, &t.Contact),
		Channel:        eventv1.Channel(t.Channel),
		Status:         campaignv1.TouchStatus(t.Status),
		SuppressReason: campaignv1.SuppressReason(t.SuppressReason),
		Consent:        fields.Name(consents, t.Consent),
		Subject:        t.Subject,
		Body:           t.Body,
		Conversation:   t.Name(),
		SendTime:       fields.Timestamp(t.SendTime),
		AnswerTime:     fields.Timestamp(t.AnswerTime),
		ResponseCount:  t.ResponseCount,
		Owner:          t.Owner,
		Team:           t.Team,
		CreateTime:     timestamppb.New(t.CreateTime),
		UpdateTime:     timestamppb.New(t.UpdateTime),
		Etag:           t.Etag(),
		AllowedActions: t.Actions(),
	}
}

// touchRows queues the responses that came.
func touchRows(w *postgres.Writes, _, after *touch.Touch) {
	for _, r := range after.Heard() {
		ResponseTable.Insert(w, &r)
	}
}
