package store

import (
	"context"
	"fmt"
	"maps"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/investor"
)

var informationRequestTable = postgres.NewTable[investor.Request](postgres.Def{
	Name: "information_request", Kind: "information request",
	Fields: timed(
		postgres.Field{Path: "contact", Type: postgres.UUID, Family: contactFamily},
		postgres.Field{Path: "state", Type: postgres.Enum, Values: contactv1.InformationRequestState_value},
		postgres.Field{Path: "channel", Type: postgres.Enum, Values: eventv1.Channel_value},
	),
	Orders:       [][]string{{"create_time"}, {"update_time"}, {"contact", "create_time"}, {"state", "create_time"}},
	DefaultOrder: "create_time desc",
	Constraints: map[string]*errs.Error{
		"information_request_pkey":         errs.AlreadyExists("INFORMATION_REQUEST_EXISTS", "an information request of this name exists already"),
		"information_request_contact_fkey": noContact,
		"contact_erased":                   errErased,
	},
})

func informationRequestStore(db *postgres.DB, log *eventlog.Log) *record.Store[investor.Request, *contactv1.InformationRequest] {
	return &record.Store[investor.Request, *contactv1.InformationRequest]{
		DB: db, Log: log, Table: informationRequestTable, Kind: "information request", Collection: informationRequests,
		Meta:     func(q *investor.Request) *entity.Meta { return &q.Meta },
		Contacts: func(q *investor.Request) []uuid.UUID { return []uuid.UUID{q.Contact} },
		Proto:    informationRequestProto, Fill: fillInformationRequest, Event: informationRequestEvent,
		Self: record.OfContact("contact", func(q *investor.Request) (uuid.UUID, bool) { return q.Contact, q.Deleted() }),
	}
}

// CreateInformationRequest puts down what an investor asks. The id is the one an offline
// client brought, or empty.
func (s *Store) CreateInformationRequest(ctx context.Context, tenant uuid.UUID, id string, p *contactv1.InformationRequest) (*contactv1.InformationRequest, error) {
	r := &fields.Reader{}
	first := &investor.Request{Meta: entity.Meta{ID: r.ID("information_request_id", id)}, State: investor.Open}
	if err := r.Err(); err != nil {
		return nil, err
	}
	if err := fillInformationRequest(first, p); err != nil {
		return nil, err
	}
	return record.Write(ctx, s.db, s.log, tenant, func(u *record.Unit) (*contactv1.InformationRequest, error) {
		row := *first
		c, err := s.Contacts.GetIn(u, named(contacts, row.Contact))
		if err != nil {
			return nil, err
		}
		if err := investor.RefuseOthers(c); err != nil {
			return nil, err
		}
		if err := s.InformationRequests.AddIn(u, &row); err != nil {
			return nil, err
		}
		return informationRequestProto(&row), nil
	})
}

// AnswerInformationRequest answers what an investor asked.
func (s *Store) AnswerInformationRequest(ctx context.Context, tenant uuid.UUID, req *contactv1.AnswerInformationRequestRequest) (*contactv1.InformationRequest, error) {
	r := &fields.Reader{}
	answer := r.RequiredWords("answer", req.GetAnswer())
	named := make([]uuid.UUID, len(req.GetPublications()))
	for i, name := range req.GetPublications() {
		named[i] = r.Ref(fields.Index("publications", i), publications, name)
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	if _, err := s.Publications.ReadAll(ctx, tenant, req.GetPublications()); err != nil {
		return nil, err
	}
	return s.InformationRequests.Change(ctx, tenant, req.GetName(), req.GetEtag(), func(q *investor.Request) ([]entity.Event, error) {
		return q.Reply(answer, named, auth.From(ctx).Subject, s.Now())
	})
}

func informationRequestProto(q *investor.Request) *contactv1.InformationRequest {
	p := &contactv1.InformationRequest{
		Name:           named(informationRequests, q.ID),
		Contact:        named(contacts, q.Contact),
		Channel:        eventv1.Channel(q.Channel),
		Subject:        q.Subject,
		Question:       q.Question,
		State:          contactv1.InformationRequestState(q.State),
		Answer:         q.Answer,
		AnswerTime:     fields.Timestamp(q.AnswerTime),
		Answerer:       q.Answerer,
		ExternalIds:    maps.Clone(q.ExternalIDs),
		Labels:         maps.Clone(q.Labels),
		CreateTime:     timestamppb.New(q.CreateTime),
		UpdateTime:     timestamppb.New(q.UpdateTime),
		DeleteTime:     fields.Timestamp(q.DeleteTime),
		Etag:           q.Etag(),
		AllowedActions: q.AllowedActions(),
	}
	for _, id := range q.Publications {
		p.Publications = append(p.Publications, named(publications, id))
	}
	return p
}

func fillInformationRequest(q *investor.Request, p *contactv1.InformationRequest) error {
	r := &fields.Reader{In: "information_request"}
	q.Contact = fields.Fixed(r, "contact", q.Contact, r.Ref("contact", contacts, p.GetContact()))
	q.Channel = int32(p.GetChannel())
	q.Subject, q.Question = r.RequiredLine("subject", p.GetSubject()), r.Words(p.GetQuestion())
	q.ExternalIDs, q.Labels = maps.Clone(p.GetExternalIds()), maps.Clone(p.GetLabels())
	return r.Err()
}

// informationRequestEvent is an entry of the timeline where something was asked or
// answered.
func informationRequestEvent(q *investor.Request, e entity.Event) eventlog.Draft {
	state := informationRequestProto(q)
	state.AllowedActions = nil
	var payload proto.Message
	direction := eventv1.Direction_DIRECTION_UNSPECIFIED
	switch e := e.(type) {
	case entity.Created:
		payload, direction = &contactv1.InformationRequestCreated{InformationRequest: state}, eventv1.Direction_DIRECTION_INBOUND
	case entity.Updated:
		payload = &contactv1.InformationRequestUpdated{InformationRequest: state, Paths: e.Paths}
	case entity.Deleted:
		payload = &contactv1.InformationRequestDeleted{InformationRequest: state}
	case entity.Undeleted:
		payload = &contactv1.InformationRequestUndeleted{InformationRequest: state}
	case investor.RequestAnswered:
		payload, direction = &contactv1.InformationRequestAnswered{InformationRequest: state}, eventv1.Direction_DIRECTION_OUTBOUND
	default:
		panic(fmt.Sprintf("store: no event of an information request is made of %s", e.EventName()))
	}
	draft := eventlog.Draft{Payload: payload, Contacts: []uuid.UUID{q.Contact}}
	if direction != eventv1.Direction_DIRECTION_UNSPECIFIED {
		draft.Interaction = &eventv1.Interaction{Channel: channelOf(q.Channel), Direction: direction, Title: q.Subject}
	}
	return draft
}
