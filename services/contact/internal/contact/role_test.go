package contact_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func day(n int) time.Time { return noon.AddDate(0, 0, n) }

func dayOf(n int) *time.Time {
	d := day(n)
	return &d
}

// CON-08, CON-37, A13: a role comes beside the others and takes none away.
func TestAssignRole_keepsTheOthers(t *testing.T) {
	t.Parallel()
	c := &contact.Contact{}
	for _, kind := range []contact.RoleKind{contact.Customer, contact.Employee, contact.Partner} {
		events, err := c.AssignRole(contact.Role{Kind: kind}, noon)
		if err != nil || len(events) != 1 {
			t.Fatalf("assign %s: %v, %v", kind, events, err)
		}
	}
	for _, kind := range []contact.RoleKind{contact.Customer, contact.Employee, contact.Partner} {
		if !c.Holds(kind, noon) || c.RolesHeld[kind.String()] != "open" {
			t.Errorf("%s is not held: %+v", kind, c.Roles)
		}
	}
	if c.Holds(contact.Supplier, noon) {
		t.Error("a role is held that nobody assigned")
	}
}

func TestAssignRole_refuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		held contact.Role
		add  contact.Role
		want string
	}{
		"held without end":     {contact.Role{Kind: contact.Customer, Start: day(0)}, contact.Role{Kind: contact.Customer, Start: day(9)}, "ROLE_ALREADY_HELD"},
		"overlaps its end":     {contact.Role{Kind: contact.Customer, Start: day(0), End: dayOf(5)}, contact.Role{Kind: contact.Customer, Start: day(4)}, "ROLE_ALREADY_HELD"},
		"overlaps its start":   {contact.Role{Kind: contact.Customer, Start: day(5)}, contact.Role{Kind: contact.Customer, Start: day(0)}, "ROLE_ALREADY_HELD"},
		"ends before it began": {contact.Role{Kind: contact.Employee, Start: day(0)}, contact.Role{Kind: contact.Customer, Start: day(2), End: dayOf(1)}, "ROLE_ENDS_BEFORE_START"},
		"follows on its end":   {contact.Role{Kind: contact.Customer, Start: day(0), End: dayOf(5)}, contact.Role{Kind: contact.Customer, Start: day(5)}, ""},
		"another one":          {contact.Role{Kind: contact.Customer, Start: day(0)}, contact.Role{Kind: contact.Supplier, Start: day(0)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row := &contact.Contact{Roles: []contact.Role{c.held}}
			if _, err := row.AssignRole(c.add, noon); errs.Reason(err) != c.want {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestAssignRole_hasALimit(t *testing.T) {
	t.Parallel()
	c := &contact.Contact{}
	for n := range contact.MaxRoles {
		if _, err := c.AssignRole(contact.Role{Kind: contact.Customer, Start: day(n), End: dayOf(n + 1)}, noon); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.AssignRole(contact.Role{Kind: contact.Partner}, noon); errs.Reason(err) != "TOO_MANY_ROLES" {
		t.Errorf("got %v", err)
	}
}

func TestEndRole(t *testing.T) {
	t.Parallel()
	c := &contact.Contact{}
	if _, err := c.AssignRole(contact.Role{Kind: contact.Customer, Start: day(0)}, noon); err != nil {
		t.Fatal(err)
	}
	if _, err := c.EndRole(contact.Customer, day(-1), noon); errs.Reason(err) != "ROLE_ENDS_BEFORE_START" {
		t.Errorf("ended before its start: %v", err)
	}
	if _, err := c.EndRole(contact.Supplier, time.Time{}, noon); errs.Reason(err) != "ROLE_NOT_HELD" {
		t.Errorf("ended a role that is not held: %v", err)
	}
	events, err := c.EndRole(contact.Customer, day(3), noon)
	if err != nil || len(events) != 1 || events[0].EventName() != "RoleEnded" {
		t.Fatalf("end: %v, %v", events, err)
	}
	if !c.Holds(contact.Customer, day(2)) || c.Holds(contact.Customer, day(3)) || len(c.Roles) != 1 || c.RolesHeld["CUSTOMER"] != "ended" {
		t.Errorf("after its end: %+v", c)
	}
	if _, err := c.EndRole(contact.Customer, day(4), noon); errs.Reason(err) != "ROLE_NOT_HELD" {
		t.Errorf("ended twice: %v", err)
	}
	if _, err := c.EndRole(contact.Customer, day(1), noon); err != nil {
		t.Errorf("an end that was announced cannot be brought forward: %v", err)
	}
}

// Whatever is assigned and ended, no role is held twice at one moment, and none
// ends before it starts.
func TestRoles_neverOverlap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := &contact.Contact{}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			kind := contact.RoleKind(rapid.IntRange(1, 2).Draw(t, "kind"))
			from := rapid.IntRange(0, 20).Draw(t, "from")
			if rapid.Bool().Draw(t, "assign") {
				r := contact.Role{Kind: kind, Start: day(from)}
				if rapid.Bool().Draw(t, "with end") {
					r.End = dayOf(from + rapid.IntRange(-2, 10).Draw(t, "length"))
				}
				_, _ = c.AssignRole(r, noon)
			} else {
				_, _ = c.EndRole(kind, day(from), noon)
			}
		}
		for n := range 40 {
			held := map[contact.RoleKind]int{}
			for _, r := range c.Roles {
				if r.End != nil && r.End.Before(r.Start) {
					t.Fatalf("ends before it starts: %+v", r)
				}
				if one := (&contact.Contact{Roles: []contact.Role{r}}); one.Holds(r.Kind, day(n)) {
					held[r.Kind]++
				}
			}
			for kind, times := range held {
				if times > 1 {
					t.Fatalf("%s is held %d times on day %d: %+v", kind, times, n, c.Roles)
				}
			}
		}
	})
}

func TestCheck(t *testing.T) {
	t.Parallel()
	email := contact.Identifier{Kind: contact.Email, Value: "a@b.c", Key: "a@b.c"}
	first, second := email, contact.Identifier{Kind: contact.Email, Value: "x@b.c", Key: "x@b.c", Primary: true}
	first.Primary = true
	office := contact.Identifier{Kind: contact.Phone, Key: "+49301234560", Extension: "12"}
	for name, c := range map[string]struct {
		contact contact.Contact
		want    string
	}{
		"a person":                        {contact.Contact{Kind: contact.Person, DisplayName: "Siti"}, ""},
		"no name":                         {contact.Contact{Kind: contact.Person}, "display_name"},
		"an organisation without":         {contact.Contact{Kind: contact.Organisation}, "display_name"},
		"an organisation with a birthday": {contact.Contact{Kind: contact.Organisation, DisplayName: "PT", Birthday: "2000-01-01"}, "birthday"},
		"an identifier twice":             {contact.Contact{Kind: contact.Person, DisplayName: "S", Identifiers: []contact.Identifier{email, email}}, "identifiers[1].value"},
		"two primary ones":                {contact.Contact{Kind: contact.Person, DisplayName: "S", Identifiers: []contact.Identifier{first, second}}, "identifiers[1].primary"},
		"two extensions of a number":      {contact.Contact{Kind: contact.Person, DisplayName: "S", Identifiers: []contact.Identifier{office, {Kind: contact.Phone, Key: office.Key}}}, ""},
		"a role twice": {contact.Contact{Kind: contact.Person, DisplayName: "S", Roles: []contact.Role{
			{Kind: contact.Customer, Start: day(0)}, {Kind: contact.Customer, Start: day(1)}}}, "roles[1]"},
		"a role that ends too early": {contact.Contact{Kind: contact.Person, DisplayName: "S", Roles: []contact.Role{
			{Kind: contact.Customer, Start: day(1), End: dayOf(0)}}}, "roles[0].end_time"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			for _, v := range c.contact.Check() {
				got = v.Field
			}
			if got != c.want {
				t.Errorf("violation of %q, want %q", got, c.want)
			}
		})
	}
}

func TestHandles(t *testing.T) {
	t.Parallel()
	c := &contact.Contact{
		Meta: entity.Meta{ID: uuid.New(), ExternalIDs: map[string]string{"sap": "7"}},
		Identifiers: []contact.Identifier{
			{Kind: contact.Phone, Key: "+62215551234"}, {Kind: contact.Phone, Key: "+62215551234", Extension: "9"}, {Kind: contact.Card, Key: "77"},
		},
	}
	if got := c.Handles(); len(got) != 3 {
		t.Errorf("handles %v, want the number once, the card and the external id", got)
	}
	c.DeleteTime = &noon
	if got := c.Handles(); len(got) != 0 {
		t.Errorf("a deleted contact holds %v", got)
	}
}
