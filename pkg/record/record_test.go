package record_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// history answers the short types of the events of a contact.
func (h *house) history(name string) []string {
	h.t.Helper()
	rows, err := h.db.System.Query(context.Background(), `
		SELECT type FROM event_log WHERE aggregate = $1 ORDER BY aggregate_seq`, name)
	if err != nil {
		h.t.Fatal(err)
	}
	defer rows.Close()
	var types []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			h.t.Fatal(err)
		}
		types = append(types, s[strings.LastIndexByte(s, '.')+1:])
	}
	return types
}

func TestStore_aLife(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := h.as(h.tenant)
	c := h.add(ctx, h.tenant, "C-1")
	name := c.GetName()

	read, err := h.store.Read(ctx, h.tenant, name)
	if err != nil || !proto.Equal(read, c) {
		t.Fatalf("Read = %v, %v, want what Create answered: %v", read, err, c)
	}
	updated, err := h.store.Update(ctx, h.tenant, &contactv1.Contact{Name: name, Etag: c.GetEtag(), FamilyName: "Rahayu"}, nil)
	if err != nil || updated.GetFamilyName() != "Rahayu" || updated.GetGivenName() != "Siti" || updated.GetEtag() == c.GetEtag() {
		t.Fatalf("Update = %v, %v", updated, err)
	}
	_, err = h.store.Update(ctx, h.tenant, &contactv1.Contact{Name: name, Etag: c.GetEtag(), FamilyName: "X"}, nil)
	wantReason(t, "an old etag", err, "ETAG_MISMATCH")

	deleted, err := h.store.Delete(ctx, h.tenant, name, "")
	if err != nil || deleted.GetDeleteTime() == nil {
		t.Fatalf("Delete = %v, %v", deleted, err)
	}
	if again, err := h.store.Read(ctx, h.tenant, name); err != nil || again.GetDeleteTime() == nil {
		t.Errorf("reading a deleted contact: %v, %v (AIP-164)", again, err)
	}
	_, err = h.store.Change(ctx, h.tenant, name, "", rename("X"))
	wantReason(t, "changing a deleted contact", err, "DELETED")
	if _, err := h.store.Undelete(ctx, h.tenant, name, deleted.GetEtag()); err != nil {
		t.Error(err)
	}
	_, err = h.store.Undelete(ctx, h.tenant, name, "")
	wantReason(t, "undeleting a living contact", err, "NOT_DELETED")

	want := []string{"ContactCreated", "ContactUpdated", "ContactDeleted", "ContactUndeleted"}
	if got := h.history(name); !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
	if n := h.count("SELECT count(*) FROM audit WHERE resource = $1 AND tenant = $2 AND actor = 'users/siti'", name, h.tenant); n != len(want) {
		t.Errorf("%d audit entries, want %d (I11)", n, len(want))
	}
	if n := h.count("SELECT count(*) FROM outbox"); n != len(want) {
		t.Errorf("%d rows in the outbox, want %d", n, len(want))
	}
}

func TestStore_tenantsAreApart(t *testing.T) {
	t.Parallel()
	h := open(t)
	mine := h.add(h.as(h.tenant), h.tenant, "C-1")
	h.add(h.as(h.another), h.another, "C-1")
	ctx := h.as(h.another)
	_, err := h.store.Read(ctx, h.another, mine.GetName())
	wantReason(t, "reading", err, "CONTACT_NOT_FOUND")
	_, err = h.store.Change(ctx, h.another, mine.GetName(), "", rename("X"))
	wantReason(t, "changing", err, "CONTACT_NOT_FOUND")
	_, err = h.store.Update(ctx, h.another, &contactv1.Contact{Name: mine.GetName(), GivenName: "X"}, nil)
	wantReason(t, "updating", err, "CONTACT_NOT_FOUND")
	_, err = h.store.Delete(ctx, h.another, mine.GetName(), "")
	wantReason(t, "deleting", err, "CONTACT_NOT_FOUND")
	all, _, err := h.store.List(ctx, h.another, &contactv1.ListContactsRequest{})
	if err != nil || len(all) != 1 || all[0].GetName() == mine.GetName() {
		t.Errorf("List = %v, %v", all, err)
	}
}

func TestStore_showsWhatTheScopeReaches(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := h.as(h.tenant)
	names := map[string]string{}
	for i, c := range []*contactv1.Contact{{Owner: "users/siti"}, {Owner: "users/budi", Team: "teams/a"}, {Owner: "users/budi", Team: "teams/b"}} {
		c.CustomerId = fmt.Sprint("C-", i)
		created, err := h.store.Create(ctx, h.tenant, "", c)
		if err != nil {
			t.Fatal(err)
		}
		names[fmt.Sprint(i)] = created.GetName()
	}
	for scope, visible := range map[auth.Scope]string{auth.None: "", auth.Own: "0", auth.Team: "01", auth.All: "012"} {
		ctx := auth.WithScope(ctx, scope)
		for i, name := range names {
			_, err := h.store.Read(ctx, h.tenant, name)
			_, changed := h.store.Change(ctx, h.tenant, name, "", rename("X"))
			want := ""
			if !strings.Contains(visible, i) {
				want = "CONTACT_NOT_FOUND"
			}
			wantReason(t, fmt.Sprintf("scope %d, reading %s", scope, i), err, want)
			wantReason(t, fmt.Sprintf("scope %d, changing %s", scope, i), changed, want)
		}
		if all, _, err := h.store.List(ctx, h.tenant, &contactv1.ListContactsRequest{}); err != nil || len(all) != len(visible) {
			t.Errorf("scope %d lists %d, want %d: %v", scope, len(all), len(visible), err)
		}
	}
}

func TestStore_takesAnIDOfTheClient(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := h.as(h.tenant)
	id := entity.NewID().String()
	if c, err := h.store.Create(ctx, h.tenant, id, &contactv1.Contact{CustomerId: "C-1"}); err != nil || c.GetName() != "contacts/"+id {
		t.Fatalf("Create = %v, %v", c, err)
	}
	_, err := h.store.Create(ctx, h.tenant, id, &contactv1.Contact{CustomerId: "C-2"})
	wantReason(t, "the same id again", err, "CONTACT_EXISTS")
	_, err = h.store.Create(ctx, h.tenant, "", &contactv1.Contact{CustomerId: "C-1"})
	wantReason(t, "the same number again", err, "NUMBER_TAKEN")
	if _, err := h.store.Create(h.as(h.another), h.another, id, &contactv1.Contact{CustomerId: "C-1"}); err != nil {
		t.Errorf("another tenant: %v", err)
	}
	for _, bad := range []string{uuid.NewString(), strings.ToUpper(id), "x", id + " "} {
		_, err := h.store.Create(ctx, h.tenant, bad, &contactv1.Contact{})
		wantReason(t, bad, err, "FIELD_INVALID")
	}
	for _, bad := range []string{"", "contacts/", "contacts/x", "leads/" + id, id, "contacts/" + strings.ToUpper(id), "contacts/" + id + "/"} {
		_, err := h.store.Read(ctx, h.tenant, bad)
		wantReason(t, bad, err, "FIELD_INVALID")
	}
}

func TestStore_update(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := h.as(h.tenant)
	gold := map[string]string{"tier": "gold", "area": "x"}
	object := func(m map[string]any) *structpb.Struct {
		s, err := structpb.NewStruct(m)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	cases := map[string]struct {
		change *contactv1.Contact
		mask   []string
		reason string
		want   func(c *contactv1.Contact) // applied to the contact as created
		paths  []string                   // nil: no event
	}{
		"absent mask": {
			change: &contactv1.Contact{FamilyName: "R"}, paths: []string{"family_name"},
			want: func(c *contactv1.Contact) { c.FamilyName = "R" },
		},
		"a path clears": {
			change: &contactv1.Contact{}, mask: []string{"language_code"}, paths: []string{"language_code"},
			want: func(c *contactv1.Contact) { c.LanguageCode = "" },
		},
		"fields outside the mask stay": {
			change: &contactv1.Contact{GivenName: "A", FamilyName: "B"}, mask: []string{"given_name"}, paths: []string{"given_name"},
			want: func(c *contactv1.Contact) { c.GivenName = "A" },
		},
		"a star replaces all": {
			change: &contactv1.Contact{GivenName: "A"}, mask: []string{"*"}, paths: []string{"given_name", "note", "language_code", "labels"},
			want: func(c *contactv1.Contact) { c.GivenName, c.Note, c.LanguageCode, c.Labels = "A", "", "", nil },
		},
		"a key of a map": {
			change: &contactv1.Contact{Labels: map[string]string{"tier": "red", "area": "y"}}, mask: []string{"labels.tier"}, paths: []string{"labels"},
			want: func(c *contactv1.Contact) { c.Labels = map[string]string{"tier": "red", "area": "x"} },
		},
		"a key with dots": {
			change: &contactv1.Contact{Labels: map[string]string{"a.b": "1"}}, mask: []string{"labels.`a.b`"}, paths: []string{"labels"},
			want: func(c *contactv1.Contact) {
				c.Labels = map[string]string{"tier": "gold", "area": "x", "a.b": "1"}
			},
		},
		"a key is removed": {
			change: &contactv1.Contact{}, mask: []string{"labels.tier"}, paths: []string{"labels"},
			want: func(c *contactv1.Contact) { c.Labels = map[string]string{"area": "x"} },
		},
		"a key of an object": {
			change: &contactv1.Contact{CustomFields: object(map[string]any{"seats": 5, "x": 1})}, mask: []string{"custom_fields.seats"},
			paths: []string{"custom_fields"},
			want:  func(c *contactv1.Contact) { c.CustomFields = object(map[string]any{"seats": 5}) },
		},
		"an absent key of an absent object": {
			change: &contactv1.Contact{}, mask: []string{"custom_fields.seats"}, want: func(*contactv1.Contact) {},
		},
		"nothing differs": {
			change: &contactv1.Contact{GivenName: "Siti", Labels: gold}, want: func(*contactv1.Contact) {},
		},
		"output-only is ignored": {
			change: &contactv1.Contact{CustomerId: "C-9"}, mask: []string{"customer_id", "update_time", "name", "etag"},
			want: func(*contactv1.Contact) {},
		},
		"an unknown path":      {change: &contactv1.Contact{}, mask: []string{"nickname"}, reason: "FIELD_UNKNOWN"},
		"a path into a text":   {change: &contactv1.Contact{}, mask: []string{"given_name.x"}, reason: "FIELD_UNKNOWN"},
		"a path into a list":   {change: &contactv1.Contact{}, mask: []string{"identifiers.value"}, reason: "FIELD_UNKNOWN"},
		"a star among others":  {change: &contactv1.Contact{}, mask: []string{"*", "note"}, reason: "FIELD_UNKNOWN"},
		"what fill refuses":    {change: &contactv1.Contact{GivenName: "Nobody"}, reason: "FIELD_INVALID"},
		"an immutable differs": {change: &contactv1.Contact{Kind: contactv1.ContactKind_CONTACT_KIND_ORGANISATION}, reason: "FIELD_IMMUTABLE"},
		"an immutable repeated": {
			change: &contactv1.Contact{Kind: contactv1.ContactKind_CONTACT_KIND_PERSON}, want: func(*contactv1.Contact) {},
		},
	}
	i := 0
	for what, c := range cases {
		i++
		want := h.add(ctx, h.tenant, fmt.Sprint("C-", i))
		c.change.Name = want.GetName()
		if what == "output-only is ignored" {
			c.change.Etag = want.GetEtag()
		}
		var mask *fieldmaskpb.FieldMask
		if c.mask != nil {
			mask = &fieldmaskpb.FieldMask{Paths: c.mask}
		}
		got, err := h.store.Update(ctx, h.tenant, c.change, mask)
		wantReason(t, what, err, c.reason)
		if c.reason != "" {
			continue
		}
		c.want(want)
		if c.paths != nil {
			want.Etag, want.UpdateTime = got.GetEtag(), got.GetUpdateTime()
		}
		if !proto.Equal(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", what, got, want)
		}
		if events := h.history(want.GetName()); len(events)-1 != min(len(c.paths), 1) {
			t.Errorf("%s: events %v", what, events)
		}
	}
}

// The rows beside an aggregate follow the difference between before and after,
// even where the rule changes a slice in place.
func TestStore_extraSeesBeforeAndAfter(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := h.as(h.tenant)
	c := h.add(ctx, h.tenant, "C-1") // tags "one two"
	if _, err := h.store.Update(ctx, h.tenant, &contactv1.Contact{Name: c.GetName(), Note: "three"}, nil); err != nil {
		t.Fatal(err)
	}
	if n := h.count("SELECT count(*) FROM tag WHERE tag = 'three'"); n != 1 || h.count("SELECT count(*) FROM tag") != 1 {
		t.Errorf("%d tags are left", h.count("SELECT count(*) FROM tag"))
	}
}

// A call that only checks finds what is wrong and leaves no trace (AIP-163).
func TestStore_validateOnly(t *testing.T) {
	t.Parallel()
	h := open(t)
	c := h.add(h.as(h.tenant), h.tenant, "C-1")
	trace := func() int {
		return h.count(`SELECT (SELECT count(*) FROM person) + (SELECT count(*) FROM event_log) + (SELECT count(*) FROM outbox)
			+ (SELECT count(*) FROM audit) + (SELECT count(*) FROM idempotency) + (SELECT sum(seq) FROM person)`)
	}
	before := trace()
	ctx := call.With(h.as(h.tenant), call.Info{Method: "/m", RequestID: "r", ValidateOnly: true})
	if got, err := h.store.Create(ctx, h.tenant, "", &contactv1.Contact{CustomerId: "C-2"}); err != nil || got.GetCustomerId() != "C-2" {
		t.Errorf("Create = %v, %v", got, err)
	}
	_, err := h.store.Create(ctx, h.tenant, "", &contactv1.Contact{CustomerId: "C-1"})
	wantReason(t, "creating what is taken", err, "NUMBER_TAKEN")
	if got, err := h.store.Update(ctx, h.tenant, &contactv1.Contact{Name: c.GetName(), GivenName: "X"}, nil); err != nil || got.GetGivenName() != "X" {
		t.Errorf("Update = %v, %v", got, err)
	}
	_, err = h.store.Delete(ctx, h.tenant, c.GetName(), "stale")
	wantReason(t, "deleting with an old etag", err, "ETAG_MISMATCH")
	if _, err := h.store.Delete(ctx, h.tenant, c.GetName(), ""); err != nil {
		t.Error(err)
	}
	if after := trace(); after != before {
		t.Errorf("a call that only checks left traces: %d before, %d after", before, after)
	}
}

// What performance.md allows: a create and a read take one round trip, a change
// two, and a unit one for each of its reads and one at either end.
func TestStore_roundTrips(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := h.request("warm", "")
	c := h.add(ctx, h.tenant, "C-0")
	do := map[string]func(n int){
		"create": func(n int) { h.add(h.request(fmt.Sprint("create", n), ""), h.tenant, fmt.Sprint("C-", n+1)) },
		"change": func(n int) {
			if _, err := h.store.Change(h.request(fmt.Sprint("change", n), ""), h.tenant, c.GetName(), "", rename(fmt.Sprint(n))); err != nil {
				t.Error(err)
			}
		},
		"write of one": func(n int) {
			_, err := record.Write(h.request(fmt.Sprint("write", n), ""), h.db, h.log, h.tenant, func(u *record.Unit) (*contactv1.Contact, error) {
				row, err := h.store.ChangeIn(u, c.GetName(), rename(fmt.Sprint("w", n)))
				if err != nil {
					return nil, err
				}
				return personProto(row), nil
			})
			if err != nil {
				t.Error(err)
			}
		},
		"write of a new one": func(n int) {
			row := &person{Number: fmt.Sprint("new", n)}
			_, err := record.Write(h.as(h.tenant), h.db, h.log, h.tenant, func(u *record.Unit) (*contactv1.Contact, error) {
				return personProto(row), h.store.AddIn(u, row)
			})
			if err != nil {
				t.Error(err)
			}
		},
		"two reads and a change": func(n int) {
			_, err := record.Write(h.as(h.tenant), h.db, h.log, h.tenant, func(u *record.Unit) (*contactv1.Contact, error) {
				one, other := h.store.QueueGetIn(u, c.GetName()), h.store.QueueGetIn(u, c.GetName())
				row, err := h.store.ChangeIn(u, c.GetName(), rename(fmt.Sprint("r", n)))
				if err != nil {
					return nil, err
				}
				for _, read := range []func() (*person, error){one, other} {
					if before, err := read(); err != nil || before.Given == row.Given {
						t.Errorf("read %v, %v", before, err)
					}
				}
				return personProto(row), nil
			})
			if err != nil {
				t.Error(err)
			}
		},
		"read": func(int) {
			if _, err := h.store.Read(ctx, h.tenant, c.GetName()); err != nil {
				t.Error(err)
			}
		},
		"list": func(int) {
			if _, _, err := h.store.List(ctx, h.tenant, &contactv1.ListContactsRequest{}); err != nil {
				t.Error(err)
			}
		},
	}
	for what, want := range map[string]int{"create": 1, "change": 2, "write of one": 2, "write of a new one": 1, "two reads and a change": 2, "read": 1, "list": 1} {
		least := 100
		for n := range 5 {
			least = min(least, h.trips.Of("", func() { do[what](n) }))
		}
		if least != want {
			t.Errorf("%s takes %d round trips, want %d", what, least, want)
		}
	}
}

// A key that is not cached is fetched outside the transaction, and the rule runs
// again.
func TestStore_fetchesAKeyThatIsMissing(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := h.as(h.tenant)
	c := h.add(ctx, h.tenant, "C-1")
	id, err := h.store.ParseName(c.GetName())
	if err != nil {
		t.Fatal(err)
	}
	h.keys.Drop(h.tenant, id)
	runs := 0
	_, err = h.store.Change(ctx, h.tenant, c.GetName(), "", func(p *person) ([]entity.Event, error) {
		runs++
		if p.Seq != 1 {
			t.Errorf("run %d sees event %d as the last", runs, p.Seq)
		}
		return rename("X")(p)
	})
	if err != nil || runs != 2 {
		t.Errorf("%d runs, %v", runs, err)
	}
	if got := h.history(c.GetName()); len(got) != 2 {
		t.Errorf("events %v", got)
	}
}

func TestWrite_isOneTransaction(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := h.as(h.tenant)
	a, b := h.add(ctx, h.tenant, "C-1"), h.add(ctx, h.tenant, "C-2")
	id := entity.NewID() // made outside, because the key of the new contact is fetched for it
	swap := func(fail error) error {
		_, err := record.Write(ctx, h.db, h.log, h.tenant, func(u *record.Unit) (*contactv1.Contact, error) {
			first, err := h.store.GetIn(u, a.GetName())
			if err != nil {
				return nil, err
			}
			if _, err := h.store.ChangeIn(u, b.GetName(), rename(first.Given+"!")); err != nil {
				return nil, err
			}
			changed, err := h.store.ChangeIn(u, a.GetName(), rename("!"))
			if err != nil {
				return nil, err
			}
			row := &person{Meta: entity.Meta{ID: id, ExternalIDs: map[string]string{}, Labels: map[string]string{}, CustomFields: map[string]any{}}, Number: "C-3"}
			if err := h.store.AddIn(u, row); err != nil {
				return nil, err
			}
			if row.Seq != 1 || row.CreateTime.IsZero() || changed.Seq < 2 {
				t.Errorf("the rows do not show what the unit did: %+v, %+v", row.Meta, changed.Meta)
			}
			return personProto(row), fail
		})
		return err
	}
	refused := fmt.Errorf("no")
	if err := swap(refused); err == nil {
		t.Error("an error of the unit was lost")
	}
	if n := h.count("SELECT count(*) FROM event_log"); n != 2 {
		t.Errorf("%d events after a unit that failed, want 2", n)
	}
	if err := swap(nil); err != nil {
		t.Fatal(err)
	}
	if n := h.count("SELECT count(*) FROM event_log"); n != 5 {
		t.Errorf("%d events, want 5", n)
	}
	err := swap(nil)
	wantReason(t, "the id a second time", err, "CONTACT_EXISTS")
	id = entity.NewID()
	err = swap(nil)
	wantReason(t, "the number a second time", err, "NUMBER_TAKEN")
	read, err := h.store.Read(ctx, h.tenant, b.GetName())
	if err != nil || read.GetGivenName() != "Siti!" {
		t.Errorf("Read = %v, %v", read, err)
	}
	if time.Since(read.GetUpdateTime().AsTime()) > time.Minute {
		t.Error("update_time was not set")
	}
}
