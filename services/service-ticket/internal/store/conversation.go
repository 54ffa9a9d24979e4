package store

import (
	"context"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/services/service-ticket/internal/ticket"
)

// MessageTable is the table of what was said.
var MessageTable = postgres.NewTable[ticket.Message](postgres.Def{
	Name: "message",
	Kind: "message",
	Fields: []postgres.Field{
		{Path: "ticket", Type: postgres.UUID},
		enum("author_kind", ticketv1.MessageAuthor_value, "MESSAGE_AUTHOR_"),
		enum("channel", eventv1.Channel_value, "CHANNEL_"),
		enum("direction", eventv1.Direction_value, "DIRECTION_"),
		{Path: "internal", Type: postgres.Bool},
		{Path: "say_time", Type: postgres.Time},
		{Path: "create_time", Type: postgres.Time},
	},
	Orders:       [][]string{{"ticket", "create_time"}},
	DefaultOrder: "create_time",
})

// Messages lists what was said in a ticket's conversation, and answers the token
// of the next page.
func (s *Store) Messages(ctx context.Context, tenant, ticket uuid.UUID, q postgres.Query) ([]*ticketv1.Message, string, error) {
	q.Where = append(q.Where, postgres.Eq("ticket", ticket))
	rows, next, err := MessageTable.List(ctx, s.DB, tenant, q)
	if err != nil {
		return nil, "", err
	}
	messages := make([]*ticketv1.Message, len(rows))
	for i, m := range rows {
		messages[i] = MessageProto(m)
	}
	return messages, next, nil
}

// MessageProto words a message of a conversation as the answer.
func MessageProto(m *ticket.Message) *ticketv1.Message {
	return &ticketv1.Message{
		Name:       fields.Name(tickets, &m.Ticket) + "/" + fields.Name("messages", &m.ID),
		AuthorKind: ticketv1.MessageAuthor(m.AuthorKind),
		Author:     m.Author,
		Channel:    eventv1.Channel(m.Channel),
		Direction:  eventv1.Direction(m.Direction),
		Body:       m.Body,
		Internal:   m.Internal,
		SayTime:    timestamppb.New(m.SayTime),
		CreateTime: timestamppb.New(m.CreateTime),
	}
}
