package store

import (
	"context"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/survivor"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/touch"
)

// ResponseTable is the table of responses.
var ResponseTable = postgres.NewTable[touch.Response](postgres.Def{
	Name: "response",
	Kind: "response",
	Fields: []postgres.Field{
		{Path: "touch", Type: postgres.UUID},
		{Path: "campaign", Type: postgres.UUID},
		{Path: "contact", Type: postgres.UUID, Family: survivor.Function},
		enum("kind", campaignv1.ResponseKind_value, "RESPONSE_KIND_"),
		enum("channel", eventv1.Channel_value, "CHANNEL_"),
		{Path: "respond_time", Type: postgres.Time},
		{Path: "create_time", Type: postgres.Time},
	},
	Orders: [][]string{
		{"create_time"},
		{"touch", "create_time"},
		{"campaign", "create_time"},
		{"contact", "create_time"},
	},
	DefaultOrder: "create_time",
})

// Responses lists the responses to a touch, to all touches where it is nil, and
// answers the token of the next page.
func (s *Store) Responses(ctx context.Context, tenant uuid.UUID, to *uuid.UUID, q postgres.Query) ([]*campaignv1.Response, string, error) {
	if to != nil {
		q.Where = append(q.Where, postgres.Eq("touch", *to))
	}
	rows, next, err := ResponseTable.List(ctx, s.DB, tenant, q)
	if err != nil {
		return nil, "", err
	}
	responses := make([]*campaignv1.Response, len(rows))
	for i, r := range rows {
		responses[i] = ResponseProto(r)
	}
	return responses, next, nil
}

// ResponseProto words a response as the answer.
func ResponseProto(r *touch.Response) *campaignv1.Response {
	return &campaignv1.Response{
		Name:        fields.Name(touches, &r.Touch) + "/" + fields.Name("responses", &r.ID),
		Campaign:    fields.Name(campaigns, &r.Campaign),
		Contact:     fields.Name(contacts, &r.Contact),
		Kind:        campaignv1.ResponseKind(r.Kind),
		Channel:     eventv1.Channel(r.Channel),
		Body:        r.Body,
		Value:       r.Value().Proto(),
		RespondTime: timestamppb.New(r.RespondTime),
		CreateTime:  timestamppb.New(r.CreateTime),
	}
}
