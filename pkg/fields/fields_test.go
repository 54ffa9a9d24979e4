package fields_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	moneypb "google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fields"
)

const id = "0190a000-0000-7000-8000-0000000000aa"

// labelled is a message with nothing but the common fields.
type labelled struct {
	ids, labels map[string]string
	custom      *structpb.Struct
}

func (l labelled) GetExternalIds() map[string]string { return l.ids }
func (l labelled) GetLabels() map[string]string      { return l.labels }
func (l labelled) GetCustomFields() *structpb.Struct { return l.custom }

// nested answers a struct of the given depth.
func nested(depth int) *structpb.Struct {
	s := &structpb.Struct{Fields: map[string]*structpb.Value{"x": structpb.NewNumberValue(1)}}
	for range depth - 1 {
		s = &structpb.Struct{Fields: map[string]*structpb.Value{"x": structpb.NewStructValue(s)}}
	}
	return s
}

func TestReader_collectsEverything(t *testing.T) {
	t.Parallel()
	r := fields.Reader{In: "ticket"}
	r.Line("subject", "a\u202eb")
	r.RequiredLine("title", " \t ")
	r.RequiredWords("body", " \n ")
	r.Ref("contact", "contacts", "queues/"+id)
	r.Amount("budget", &moneypb.Money{CurrencyCode: "IDR", Units: -1})
	r.Time("due", &timestamppb.Timestamp{Nanos: -1})
	fields.Fixed(&r, "kind", 1, 2)
	r.Labels(&entity.Meta{}, labelled{custom: nested(fields.MaxCustomDepth + 1)})
	want := map[string]string{
		"ticket.subject": "INVALID_TEXT", "ticket.title": "FIELD_INVALID", "ticket.body": "FIELD_INVALID", "ticket.contact": "FIELD_INVALID",
		"ticket.budget": "MONEY_INVALID", "ticket.due": "FIELD_INVALID", "ticket.kind": "FIELD_IMMUTABLE",
		"ticket.custom_fields": "FIELD_INVALID",
	}
	for _, v := range errs.FieldViolations(r.Err()) {
		if want[v.Field] != v.Reason {
			t.Errorf("%s has reason %s, want %q", v.Field, v.Reason, want[v.Field])
		}
		delete(want, v.Field)
	}
	if len(want) > 0 {
		t.Errorf("not told: %v", want)
	}
}

func TestReader_form(t *testing.T) {
	t.Parallel()
	var r fields.Reader
	if got := r.RequiredLine("subject", "  wrong \t colour "); got != "wrong colour" {
		t.Errorf("the line became %q", got)
	}
	if got := r.Words(" one\n\ntwo \n"); got != "one\n\ntwo" {
		t.Errorf("the words became %q", got)
	}
	if got := r.Ref("contact", "contacts", "contacts/"+id); got.String() != id {
		t.Errorf("the name became %v", got)
	}
	if got := r.ID("ticket_id", id); got.String() != id || r.ID("ticket_id", "") != uuid.Nil {
		t.Errorf("the id became %v", got)
	}
	if r.Optional("queue", "queues", "") != nil || fields.Name("queues", nil) != "" {
		t.Error("no name became one")
	}
	at := time.Date(2026, 11, 21, 8, 0, 0, 123456789, time.UTC)
	if got := r.Time("due", timestamppb.New(at)); !got.Equal(at.Truncate(time.Microsecond)) {
		t.Errorf("the time became %v", got)
	}
	if got := fields.Fixed(&r, "kind", 0, 2); got != 2 {
		t.Errorf("a first value became %d", got)
	}
	if r.Amount("budget", nil).Proto() != nil {
		t.Error("no money became some")
	}
	if err := r.Err(); err != nil {
		t.Errorf("good values are refused: %v", err)
	}
}

// Row B16 of the catalogue of bad input.
func TestReader_refRefuses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", "contacts/", "contacts", id, "contact/" + id, "contacts/" + strings.ToUpper(id),
		"contacts/" + id + "/x", "contacts/../" + id, "contacts/%2e%2e", "contacts/{" + id + "}",
		"contacts/urn:uuid:" + id, "contacts/" + strings.ReplaceAll(id, "-", ""),
		"contacts/6ba7b810-9dad-11d1-80b4-00c04fd430c8", // version 1
		"contacts/" + strings.Repeat("0", 10000),
	} {
		var r fields.Reader
		if r.Ref("contact", "contacts", name); r.Err() == nil {
			t.Errorf("%.60q is taken for a name", name)
		}
		r = fields.Reader{}
		if chosen := strings.TrimPrefix(name, "contacts/"); chosen != "" && chosen != id {
			if r.ID("ticket_id", chosen); r.Err() == nil {
				t.Errorf("%.60q is taken for an id", chosen)
			}
		}
	}
}

func TestLabels_goThereAndBack(t *testing.T) {
	t.Parallel()
	var (
		r fields.Reader
		m entity.Meta
	)
	given := labelled{ids: map[string]string{"sap": "1"}, labels: map[string]string{"tier": "gold"}, custom: nested(fields.MaxCustomDepth)}
	r.Labels(&m, given)
	if err := r.Err(); err != nil || m.ExternalIDs["sap"] != "1" || m.Labels["tier"] != "gold" {
		t.Fatalf("read %+v, %v", m, err)
	}
	if back := fields.Struct(m.CustomFields); !proto.Equal(back, given.custom) {
		t.Errorf("%v became %v", given.custom, back)
	}
	if fields.Struct(nil) != nil {
		t.Error("no fields became some")
	}
	r.Labels(&m, labelled{custom: &structpb.Struct{Fields: map[string]*structpb.Value{
		"x": structpb.NewStringValue(strings.Repeat("a", fields.MaxCustomBytes)),
	}}})
	if errs.Code(r.Err()).String() != "InvalidArgument" {
		t.Errorf("64 KiB and more answer %v", r.Err())
	}
}
