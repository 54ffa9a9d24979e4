package relationship_test

import (
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/relationship"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func some(kind contact.Kind) *contact.Contact {
	return &contact.Contact{Meta: entity.Meta{ID: entity.NewID()}, Kind: kind}
}

func TestBegin(t *testing.T) {
	t.Parallel()
	employment := &relationship.Type{FromKind: contact.Person, ToKind: contact.Organisation}
	siti, firm := some(contact.Person), some(contact.Organisation)
	gone := some(contact.Organisation)
	gone.DeleteTime = &noon
	before := noon.Add(-time.Hour)
	for name, c := range map[string]struct {
		kind     *relationship.Type
		from, to *contact.Contact
		end      *time.Time
		want     string
	}{
		"a person works for a firm": {employment, siti, firm, nil, ""},
		"the wrong way round":       {employment, firm, siti, nil, "RELATIONSHIP_KIND_MISMATCH"},
		"any kinds":                 {&relationship.Type{}, firm, siti, nil, ""},
		"with itself (B45)":         {&relationship.Type{}, siti, siti, nil, "RELATIONSHIP_WITH_ITSELF"},
		"an inactive type":          {&relationship.Type{Inactive: true}, siti, firm, nil, "RELATIONSHIP_TYPE_INACTIVE"},
		"a deleted type":            {&relationship.Type{Meta: entity.Meta{DeleteTime: &noon}}, siti, firm, nil, "RELATIONSHIP_TYPE_INACTIVE"},
		"a deleted contact":         {employment, siti, gone, nil, "CONTACT_DELETED"},
		"an end before the start":   {employment, siti, firm, &before, "RELATIONSHIP_ENDS_BEFORE_START"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &relationship.Relationship{End: c.end}
			if err := r.Begin(c.kind, c.from, c.to, noon); errs.Reason(err) != c.want {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if !r.Start.Equal(noon) {
				t.Errorf("starts %v", r.Start)
			}
		})
	}
}

func TestFinish(t *testing.T) {
	t.Parallel()
	r := &relationship.Relationship{Start: noon}
	if _, err := r.Finish(noon.Add(-time.Hour), noon); errs.Reason(err) != "RELATIONSHIP_ENDS_BEFORE_START" {
		t.Errorf("before its start: %v", err)
	}
	if events, err := r.Finish(time.Time{}, noon.Add(time.Hour)); err != nil || len(events) != 1 || !r.End.Equal(noon.Add(time.Hour)) {
		t.Errorf("now: %v, %v, %v", events, err, r.End)
	}
	if _, err := r.Finish(noon.Add(2*time.Hour), noon); errs.Reason(err) != "RELATIONSHIP_ENDED" {
		t.Errorf("twice: %v", err)
	}
}
