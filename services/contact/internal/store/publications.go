package store

import (
	"fmt"
	"maps"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/investor"
)

var publicationTable = postgres.NewTable[investor.Publication](postgres.Def{
	Name: "publication", Kind: "publication",
	Fields: timed(
		postgres.Field{Path: "kind", Type: postgres.Enum, Values: contactv1.PublicationKind_value},
		postgres.Field{Path: "audience", Type: postgres.Enum, Values: contactv1.RoleKind_value},
		postgres.Field{Path: "code"},
		postgres.Field{Path: "language_code"},
		postgres.Field{Path: "publish_time", Type: postgres.Time},
	),
	Orders:       [][]string{{"create_time"}, {"update_time"}, {"publish_time"}, {"audience", "kind", "publish_time"}},
	DefaultOrder: "create_time desc",
	Constraints: map[string]*errs.Error{
		"publication_pkey":     errs.AlreadyExists("PUBLICATION_EXISTS", "a publication of this name exists already"),
		"publication_code_key": errs.AlreadyExists("PUBLICATION_TAKEN", "there is a publication of this code in this language"),
	},
})

func publicationStore(db *postgres.DB, log *eventlog.Log) *record.Store[investor.Publication, *contactv1.Publication] {
	return &record.Store[investor.Publication, *contactv1.Publication]{
		DB: db, Log: log, Table: publicationTable, Kind: "publication", Collection: publications,
		Meta:  func(p *investor.Publication) *entity.Meta { return &p.Meta },
		Proto: publicationProto, Fill: fillPublication, Event: publicationEvent, Self: selfPublication(func() time.Time { return log.Now() }),
	}
}

func publicationProto(p *investor.Publication) *contactv1.Publication {
	return &contactv1.Publication{
		Name:         named(publications, p.ID),
		Kind:         contactv1.PublicationKind(p.Kind),
		Audience:     contactv1.RoleKind(p.Audience),
		Code:         p.Code,
		LanguageCode: p.LanguageCode,
		Title:        p.Title,
		Body:         p.Body,
		Uri:          p.URI,
		Author:       p.Author,
		StartDate:    dayProto(p.StartDate),
		EndDate:      dayProto(p.EndDate),
		PublishTime:  fields.Timestamp(p.PublishTime),
		Version:      p.Seq,
		ExternalIds:  maps.Clone(p.ExternalIDs),
		Labels:       maps.Clone(p.Labels),
		CreateTime:   timestamppb.New(p.CreateTime),
		UpdateTime:   timestamppb.New(p.UpdateTime),
		DeleteTime:   fields.Timestamp(p.DeleteTime),
		Etag:         p.Etag(),
	}
}

func fillPublication(row *investor.Publication, p *contactv1.Publication) error {
	r := &fields.Reader{In: "publication"}
	row.Kind, row.Audience = int16(p.GetKind()), contact.RoleKind(p.GetAudience())
	row.Code, row.LanguageCode = p.GetCode(), language(r, p.GetLanguageCode())
	row.Title, row.Body = r.RequiredLine("title", p.GetTitle()), r.Words(p.GetBody())
	row.URI, row.Author = p.GetUri(), r.Line("author", p.GetAuthor())
	row.StartDate, row.EndDate = day(r, "start_date", p.GetStartDate()), day(r, "end_date", p.GetEndDate())
	if row.StartDate != "" && row.EndDate != "" && row.EndDate < row.StartDate {
		r.Fail("end_date", "", "lies before start_date")
	}
	row.PublishTime = until(r, "publish_time", p.GetPublishTime())
	row.ExternalIDs, row.Labels = maps.Clone(p.GetExternalIds()), maps.Clone(p.GetLabels())
	return r.Err()
}

func publicationEvent(p *investor.Publication, e entity.Event) eventlog.Draft {
	state := publicationProto(p)
	var payload proto.Message
	switch e := e.(type) {
	case entity.Created:
		payload = &contactv1.PublicationCreated{Publication: state}
	case entity.Updated:
		payload = &contactv1.PublicationUpdated{Publication: state, Paths: e.Paths}
	case entity.Deleted:
		payload = &contactv1.PublicationDeleted{Publication: state}
	case entity.Undeleted:
		payload = &contactv1.PublicationUndeleted{Publication: state}
	default:
		panic(fmt.Sprintf("store: no event of a publication is made of %s", e.EventName()))
	}
	return eventlog.Draft{Payload: payload}
}
