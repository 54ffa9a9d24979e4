package store

import (
	"context"
	"fmt"
	"maps"
	"strings"

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
	"github.com/lingkar-crm/lingkar/services/contact/internal/employee"
)

var employeeRecordTable = postgres.NewTable[employee.Record](postgres.Def{
	Name: "employee_record", Kind: "employee record",
	Fields: timed(
		postgres.Field{Path: "contact", Type: postgres.UUID, Family: contactFamily},
		postgres.Field{Path: "kind", Type: postgres.Enum, Values: contactv1.EmployeeRecordKind_value},
		postgres.Field{Path: "source"},
	),
	Orders:       [][]string{{"create_time"}, {"update_time"}, {"contact", "create_time"}, {"kind", "create_time"}},
	DefaultOrder: "create_time desc",
	Constraints: map[string]*errs.Error{
		"employee_record_pkey":         errs.AlreadyExists("EMPLOYEE_RECORD_EXISTS", "an employee record of this name exists already"),
		"employee_record_contact_fkey": noContact,
		"contact_erased":               errErased,
	},
})

func employeeRecordStore(db *postgres.DB, log *eventlog.Log) *record.Store[employee.Record, *contactv1.EmployeeRecord] {
	return &record.Store[employee.Record, *contactv1.EmployeeRecord]{
		DB: db, Log: log, Table: employeeRecordTable, Kind: "employee record", Collection: employeeRecords,
		Meta:     func(r *employee.Record) *entity.Meta { return &r.Meta },
		Contacts: func(r *employee.Record) []uuid.UUID { return []uuid.UUID{r.Contact} },
		Proto:    employeeRecordProto, Fill: fillEmployeeRecord, Event: employeeRecordEvent,
	}
}

// CreateEmployeeRecord puts a record on file of a contact that is or was an employee.
// The id is the one an offline client brought, or empty.
func (s *Store) CreateEmployeeRecord(ctx context.Context, tenant uuid.UUID, id string, p *contactv1.EmployeeRecord) (*contactv1.EmployeeRecord, error) {
	r := &fields.Reader{}
	given := r.ID("employee_record_id", id)
	if err := r.Err(); err != nil {
		return nil, err
	}
	first := &employee.Record{Meta: entity.Meta{ID: given}}
	if err := fillEmployeeRecord(first, p); err != nil {
		return nil, err
	}
	return record.Write(ctx, s.db, s.log, tenant, func(u *record.Unit) (*contactv1.EmployeeRecord, error) {
		row := *first
		c, err := s.Contacts.GetIn(u, named(contacts, row.Contact))
		if err != nil {
			return nil, err
		}
		if err := employee.RefuseOthers(c); err != nil && c.EraseTime == nil {
			return nil, err
		}
		if err := s.EmployeeRecords.AddIn(u, &row); err != nil {
			return nil, err
		}
		return employeeRecordProto(&row), nil
	})
}

// recordKind answers the kind of the record whose content is in the field of the
// contract.
func recordKind(field string) employee.Kind {
	return employee.Kind(contactv1.EmployeeRecordKind_value["EMPLOYEE_RECORD_KIND_"+strings.ToUpper(field)])
}

// recordField is the other way round.
func recordField(kind employee.Kind) string {
	return strings.ToLower(strings.TrimPrefix(contactv1.EmployeeRecordKind(kind).String(), "EMPLOYEE_RECORD_KIND_"))
}

func employeeRecordProto(r *employee.Record) *contactv1.EmployeeRecord {
	p := &contactv1.EmployeeRecord{
		Name:        named(employeeRecords, r.ID),
		Contact:     named(contacts, r.Contact),
		Kind:        contactv1.EmployeeRecordKind(r.Kind),
		Source:      r.Source,
		ExternalIds: maps.Clone(r.ExternalIDs),
		Labels:      maps.Clone(r.Labels),
		CreateTime:  timestamppb.New(r.CreateTime),
		UpdateTime:  timestamppb.New(r.UpdateTime),
		DeleteTime:  fields.Timestamp(r.DeleteTime),
		Etag:        r.Etag(),
	}
	putContent(p, recordField(r.Kind), r.Content)
	return p
}

func fillEmployeeRecord(e *employee.Record, p *contactv1.EmployeeRecord) error {
	r := &fields.Reader{In: "employee_record"}
	e.Contact = fields.Fixed(r, "contact", e.Contact, r.Ref("contact", contacts, p.GetContact()))
	m := p.ProtoReflect()
	if fd := m.WhichOneof(m.Descriptor().Oneofs().ByName("content")); fd != nil {
		form(r, string(fd.Name())+".", m.Mutable(fd).Message())
	}
	field, content := contentOf(p, "content")
	if field == "" {
		r.Fail("content", "", "is missing")
	}
	e.Kind, e.Content = fields.Fixed(r, "content", e.Kind, recordKind(field)), content
	e.Source = r.Line("source", p.GetSource())
	e.ExternalIDs, e.Labels = maps.Clone(p.GetExternalIds()), maps.Clone(p.GetLabels())
	return r.Err()
}

func employeeRecordEvent(r *employee.Record, e entity.Event) eventlog.Draft {
	state := employeeRecordProto(r)
	var payload proto.Message
	switch e := e.(type) {
	case entity.Created:
		payload = &contactv1.EmployeeRecordCreated{EmployeeRecord: state}
	case entity.Updated:
		payload = &contactv1.EmployeeRecordUpdated{EmployeeRecord: state, Paths: e.Paths}
	case entity.Deleted:
		payload = &contactv1.EmployeeRecordDeleted{EmployeeRecord: state}
	case entity.Undeleted:
		payload = &contactv1.EmployeeRecordUndeleted{EmployeeRecord: state}
	default:
		panic(fmt.Sprintf("store: no event of an employee record is made of %s", e.EventName()))
	}
	return eventlog.Draft{Payload: payload, Contacts: []uuid.UUID{r.Contact}}
}
