package store

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/services/service-ticket/internal/queue"
)

func newQueues(db *postgres.DB, log *eventlog.Log) *record.Store[queue.Queue, *ticketv1.Queue] {
	return &record.Store[queue.Queue, *ticketv1.Queue]{
		DB: db, Log: log, Kind: "queue", Collection: queues,
		Table: postgres.NewTable[queue.Queue](postgres.Def{
			Name: "queue", Kind: "queue",
			Fields:       shared(postgres.Field{Path: "display_name"}),
			Orders:       [][]string{{"create_time"}, {"display_name"}},
			DefaultOrder: "create_time desc",
			Constraints: map[string]*errs.Error{
				"queue_display_name_key": errs.AlreadyExists("QUEUE_NAME_TAKEN", "another queue has this name"),
			},
		}),
		Meta:  func(q *queue.Queue) *entity.Meta { return &q.Meta },
		Proto: queueMessage,
		Fill:  fillQueue,
		Event: queueEvent,
	}
}

func queueMessage(q *queue.Queue) *ticketv1.Queue {
	return &ticketv1.Queue{
		Name:         fields.Name(queues, &q.ID),
		DisplayName:  q.DisplayName,
		Description:  q.Description,
		ExternalIds:  q.ExternalIDs,
		Labels:       q.Labels,
		CustomFields: fields.Struct(q.CustomFields),
		CreateTime:   timestamppb.New(q.CreateTime),
		UpdateTime:   timestamppb.New(q.UpdateTime),
		DeleteTime:   fields.Timestamp(q.DeleteTime),
		Etag:         q.Etag(),
	}
}

func fillQueue(q *queue.Queue, m *ticketv1.Queue) error {
	r := fields.Reader{In: "queue"}
	q.DisplayName = r.RequiredLine("display_name", m.GetDisplayName())
	q.Description = r.Words(m.GetDescription())
	r.Labels(&q.Meta, m)
	return r.Err()
}
