package server_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

const (
	applied   = contactv1.OfflineOutcome_OFFLINE_OUTCOME_APPLIED
	combined  = contactv1.OfflineOutcome_OFFLINE_OUTCOME_MERGED
	conflict  = contactv1.OfflineOutcome_OFFLINE_OUTCOME_CONFLICT
	refusal   = contactv1.OfflineOutcome_OFFLINE_OUTCOME_REFUSED
	offCreate = contactv1.OfflineAction_OFFLINE_ACTION_CREATE
	offUpdate = contactv1.OfflineAction_OFFLINE_ACTION_UPDATE
	offDelete = contactv1.OfflineAction_OFFLINE_ACTION_DELETE
)

func (a *api) push(t testing.TB, strategy contactv1.ConflictStrategy, changes ...*contactv1.OfflineContactChange) []*contactv1.OfflineContactResult {
	t.Helper()
	resp := must(contactv1.NewSyncServiceClient(a.Conn).PushContacts(a.Ctx(), &contactv1.PushContactsRequest{Strategy: strategy, Changes: changes}))(t)
	if len(resp.GetResults()) != len(changes) {
		t.Fatalf("%d results of %d changes", len(resp.GetResults()), len(changes))
	}
	return resp.GetResults()
}

// offline words a change of the version that an etag is of.
func offline(base *contactv1.Contact, change *contactv1.Contact, paths ...string) *contactv1.OfflineContactChange {
	change.Name = base.GetName()
	return &contactv1.OfflineContactChange{
		ChangeId: entity.NewID().String(), Action: offUpdate, Contact: change, Paths: paths, BaseEtag: base.GetEtag(),
	}
}

func said(results []*contactv1.OfflineContactResult) string {
	var all []string
	for _, r := range results {
		one := strings.TrimPrefix(r.GetOutcome().String(), "OFFLINE_OUTCOME_")
		for _, c := range r.GetConflicts() {
			one += " " + c.GetPath()
		}
		if r.GetError() != nil {
			one += " " + r.GetError().GetMessage()
		}
		all = append(all, one)
	}
	return strings.Join(all, "; ")
}

// Only the same field changed on both sides conflicts; all else is written, and each
// change is told what became of it, with both values, who and when.
func testPushContacts(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"PLT-14", "PLT-22"}, func(t *testing.T, a, other *api) {
		base := a.create(t, &contactv1.Contact{Kind: person, DisplayName: "Siti", JobTitle: "Sales", Labels: map[string]string{"tier": "gold"}})
		a.update(t, base, &contactv1.Contact{JobTitle: "Head of sales", Labels: map[string]string{"tier": "gold", "city": "Bandung"}}, "job_title", "labels")

		got := a.push(t, 0, offline(base, &contactv1.Contact{Note: "met her", Labels: map[string]string{"tier": "silver"}}, "note", "labels.tier"))
		after := got[0].GetContact()
		if got[0].GetOutcome() != combined || after.GetNote() != "met her" || after.GetJobTitle() != "Head of sales" ||
			!maps.Equal(after.GetLabels(), map[string]string{"tier": "silver", "city": "Bandung"}) {
			t.Errorf("%s: %v", said(got), after)
		}
		mixed := offline(base, &contactv1.Contact{JobTitle: "Manager", LanguageCode: "id"}, "job_title", "language_code")
		got = a.push(t, 0, mixed)
		if got[0].GetOutcome() != conflict || got[0].GetContact().GetLanguageCode() != "id" || got[0].GetContact().GetJobTitle() != "Head of sales" {
			t.Errorf("%s: %v", said(got), got[0].GetContact())
		}
		c := got[0].GetConflicts()[0]
		if len(got[0].GetConflicts()) != 1 || c.GetPath() != "job_title" || c.GetBase().GetStringValue() != "Sales" ||
			c.GetClient().GetStringValue() != "Manager" || c.GetServer().GetStringValue() != "Head of sales" ||
			c.GetActor() != "users/ann" || c.GetChangeTime() == nil {
			t.Errorf("conflict %v", c)
		}
		if again := a.push(t, 0, mixed); !proto.Equal(again[0], got[0]) {
			t.Errorf("sent again: %v, was %v", again[0], got[0])
		}
		same := a.push(t, 0, offline(base, &contactv1.Contact{JobTitle: "Head of sales"}, "job_title"))
		if same[0].GetOutcome() != combined || len(same[0].GetConflicts()) > 0 {
			t.Errorf("the same on both sides: %s", said(same))
		}
		if got := other.push(t, 0, offline(base, &contactv1.Contact{Note: "x"}, "note")); got[0].GetOutcome() != refusal || got[0].GetError().GetCode() != int32(codes.FailedPrecondition) {
			t.Errorf("another tenant: %s", said(got))
		}
	})
}

// update changes fields on the server.
func (a *api) update(t testing.TB, of, c *contactv1.Contact, paths ...string) *contactv1.Contact {
	t.Helper()
	c.Name = of.GetName()
	return must(a.UpdateContact(a.Ctx(), &contactv1.UpdateContactRequest{Contact: c, UpdateMask: mask(paths...)}))(t)
}

// The strategy decides what becomes of a field that both changed; nothing else.
func testPushContacts_strategies(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"PLT-14", "PLT-22"}, func(t *testing.T, a, _ *api) {
		for strategy, want := range map[contactv1.ConflictStrategy]string{
			contactv1.ConflictStrategy_CONFLICT_STRATEGY_SERVER_WINS: "server", contactv1.ConflictStrategy_CONFLICT_STRATEGY_CLIENT_WINS: "client",
		} {
			base := a.named(t, "Siti")
			a.update(t, base, &contactv1.Contact{JobTitle: "server"}, "job_title")
			got := a.push(t, strategy, offline(base, &contactv1.Contact{JobTitle: "client", Note: "n"}, "job_title", "note"))
			if c := got[0].GetContact(); got[0].GetOutcome() != combined || len(got[0].GetConflicts()) != 1 || c.GetJobTitle() != want || c.GetNote() != "n" {
				t.Errorf("%v: %s %v", strategy, said(got), c)
			}
		}
		for strategy, want := range map[contactv1.ConflictStrategy]contactv1.OfflineOutcome{0: conflict, 2: combined, 3: combined} {
			base := a.named(t, "Budi")
			a.update(t, base, &contactv1.Contact{JobTitle: "server"}, "job_title")
			drop := offline(base, &contactv1.Contact{})
			drop.Action = offDelete
			got := a.push(t, strategy, drop)
			if deleted := got[0].GetContact().GetDeleteTime() != nil; got[0].GetOutcome() != want || deleted != (strategy == 3) {
				t.Errorf("deletion, %v: %s", strategy, said(got))
			}
		}
	})
}

// A client's own changes do not conflict with each other: made offline, changed twice
// and deleted, in one request, and the same request again.
func testPushContacts_chain(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"PLT-14", "PLT-22"}, func(t *testing.T, a, _ *api) {
		made := &contactv1.Contact{Name: "contacts/" + entity.NewID().String(), Kind: person, DisplayName: "Dewi"}
		create := &contactv1.OfflineContactChange{ChangeId: entity.NewID().String(), Action: offCreate, Contact: proto.CloneOf(made)}
		changes := []*contactv1.OfflineContactChange{
			create, offline(made, &contactv1.Contact{JobTitle: "A"}, "job_title"), offline(made, &contactv1.Contact{JobTitle: "B"}, "job_title"),
		}
		got := a.push(t, 0, changes...)
		if said(got) != "APPLIED; APPLIED; APPLIED" || got[2].GetContact().GetJobTitle() != "B" {
			t.Fatalf("%s %v", said(got), got[2])
		}
		drop := offline(made, &contactv1.Contact{})
		drop.Action = offDelete
		again := a.push(t, 0, append(changes, drop)...)
		for i, result := range got {
			if !proto.Equal(result, again[i]) {
				t.Errorf("sent again: %v, was %v", again[i], result)
			}
		}
		if again[3].GetOutcome() != applied || again[3].GetContact().GetDeleteTime() == nil {
			t.Errorf("deletion: %s", said(again))
		}
		// What is in conflict stays so for the changes that follow it.
		base := a.named(t, "Budi")
		a.update(t, base, &contactv1.Contact{JobTitle: "server"}, "job_title")
		got = a.push(t, 0, offline(base, &contactv1.Contact{JobTitle: "A"}, "job_title"), offline(base, &contactv1.Contact{JobTitle: "B"}, "job_title"),
			offline(base, &contactv1.Contact{Note: "n"}, "note"))
		if said(got) != "CONFLICT job_title; CONFLICT job_title; MERGED" || got[2].GetContact().GetJobTitle() != "server" {
			t.Errorf("%s", said(got))
		}
	})
}

// Changes that cannot be done are refused one by one, each with its reason, and stop
// none of the others.
func testPushContacts_refuses(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"PLT-14", "PLT-22"}, func(t *testing.T, a, other *api) {
		base, foreign, gone := a.named(t, "Siti"), other.named(t, "Foreign"), a.named(t, "Gone")
		a.update(t, gone, &contactv1.Contact{JobTitle: "x"}, "job_title")
		must(a.DeleteContact(a.Ctx(), &contactv1.DeleteContactRequest{Name: gone.GetName()}))(t)
		baseless := offline(base, &contactv1.Contact{Note: "x"}, "note")
		baseless.BaseEtag = ""
		unknown := offline(base, &contactv1.Contact{Note: "x"}, "note")
		unknown.BaseEtag = "zz"
		reused := offline(base, &contactv1.Contact{Note: "1"}, "note")
		other2 := offline(base, &contactv1.Contact{Note: "2"}, "note")
		other2.ChangeId = reused.GetChangeId()
		cases := []struct {
			change *contactv1.OfflineContactChange
			reason string
		}{
			{baseless, "BASE_MISSING"},
			{unknown, "BASE_UNKNOWN"},
			{offline(foreign, &contactv1.Contact{Note: "x"}, "note"), "BASE_UNKNOWN"},
			{offline(gone, &contactv1.Contact{Note: "x"}, "note"), "DELETED"},
			{offline(base, &contactv1.Contact{}, "no_such_field"), "FIELD_UNKNOWN"},
			{offline(base, &contactv1.Contact{DisplayName: ""}, "display_name"), ""},
			{&contactv1.OfflineContactChange{ChangeId: "x", Action: offUpdate, Contact: base, BaseEtag: base.GetEtag()}, ""},
			{&contactv1.OfflineContactChange{ChangeId: entity.NewID().String(), Action: offUpdate, Contact: &contactv1.Contact{Name: "leads/x"}}, ""},
			{reused, "OK"},
			{other2, "IDEMPOTENCY_KEY_REUSED"},
			{offline(base, &contactv1.Contact{LanguageCode: "id"}, "language_code"), "OK"},
		}
		var changes []*contactv1.OfflineContactChange
		for _, c := range cases {
			changes = append(changes, c.change)
		}
		for i, result := range a.push(t, 0, changes...) {
			reason := "OK"
			if result.GetError() != nil {
				reason = errs.Reason(status.ErrorProto(result.GetError()))
			}
			if cases[i].reason != "" && reason != cases[i].reason || cases[i].reason != "OK" && result.GetOutcome() != refusal {
				t.Errorf("change %d: %s (%v), want %s", i, reason, result, cases[i].reason)
			}
		}
		_, err := contactv1.NewSyncServiceClient(a.Conn).PushContacts(a.Ctx(), &contactv1.PushContactsRequest{
			ValidateOnly: true, Changes: []*contactv1.OfflineContactChange{offline(base, &contactv1.Contact{Note: "tried"}, "note")},
		})
		if err != nil {
			t.Error(err)
		}
		if now := must(a.GetContact(a.Ctx(), &contactv1.GetContactRequest{Name: base.GetName()}))(t); now.GetNote() != "1" {
			t.Errorf("a trial wrote %q", now.GetNote())
		}
	})
}

// away is an offline client of the property test, with the model's view of what it has.
type away struct {
	etag    string
	seen    map[string]string
	pending []*contactv1.OfflineContactChange
	wrote   []map[string]string
	view    map[string]string
}

// fields are those that the property test changes.
var offlineFields = []string{"job_title", "note", "labels.a", "labels.b", "organisation_name"}

// Whatever two devices and the server do, in whatever order, and however often requests
// are sent again: a field conflicts if and only if both sides changed it since the
// device last saw it, no other write is lost, and in the end all have the same.
func testPushContacts_property(t *testing.T, s *testkit.Suite) {
	a, _ := fresh(t, s)
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 7))
		made := a.named(t, fmt.Sprint("Contact ", seed))
		server := map[string]string{}
		devices := []*away{fetched(made), fetched(made)}
		for range 30 {
			d := devices[r.IntN(2)]
			switch r.IntN(4) {
			case 0:
				field, value := offlineFields[r.IntN(len(offlineFields))], fmt.Sprint("s", r.IntN(4))
				a.update(t, made, setting(map[string]string{field: value}), field)
				server[field] = value
			case 1, 2:
				change := map[string]string{}
				for range 1 + r.IntN(2) {
					change[offlineFields[r.IntN(len(offlineFields))]] = fmt.Sprint("d", r.IntN(4))
				}
				d.edit(made, change)
			case 3:
				d.sync(t, a, seed, made, server)
			}
		}
		for _, d := range devices {
			d.sync(t, a, seed, made, server)
		}
		final := must(a.GetContact(a.Ctx(), &contactv1.GetContactRequest{Name: made.GetName()}))(t)
		for _, d := range devices {
			if d.etag = final.GetEtag(); !maps.Equal(valuesOf(final), server) {
				t.Errorf("seed %d: server has %v, the model %v", seed, valuesOf(final), server)
			}
		}
	}
}

func fetched(c *contactv1.Contact) *away {
	return &away{etag: c.GetEtag(), seen: valuesOf(c), view: valuesOf(c)}
}

// edit changes fields offline.
func (d *away) edit(of *contactv1.Contact, change map[string]string) {
	base := &contactv1.Contact{Name: of.GetName(), Etag: d.etag}
	d.pending = append(d.pending, offline(base, setting(change), slices.Sorted(maps.Keys(change))...))
	d.wrote = append(d.wrote, change)
	maps.Copy(d.view, change)
}

// sync pushes what is pending, twice, compares each result with the model, and fetches.
func (d *away) sync(t *testing.T, a *api, seed uint64, of *contactv1.Contact, server map[string]string) {
	t.Helper()
	if len(d.pending) > 0 {
		results := a.push(t, 0, d.pending...)
		for i, result := range results {
			var conflicts, want []string
			for _, field := range slices.Sorted(maps.Keys(d.wrote[i])) {
				value := d.wrote[i][field]
				switch {
				case value == d.seen[field]: // not changed
				case server[field] == d.seen[field], server[field] == value:
					server[field] = value
				default:
					want = append(want, field)
				}
				d.seen[field] = value
			}
			for _, c := range result.GetConflicts() {
				conflicts = append(conflicts, c.GetPath())
			}
			if slices.Sort(conflicts); !slices.Equal(conflicts, want) || !maps.Equal(valuesOf(result.GetContact()), server) {
				t.Fatalf("seed %d: conflicts %v, want %v; contact %v, want %v", seed, conflicts, want, valuesOf(result.GetContact()), server)
			}
		}
		for i, again := range a.push(t, 0, d.pending...) {
			if !proto.Equal(again, results[i]) {
				t.Fatalf("seed %d: sent again %v, was %v", seed, again, results[i])
			}
		}
	}
	now := must(a.GetContact(a.Ctx(), &contactv1.GetContactRequest{Name: of.GetName()}))(t)
	*d = *fetched(now)
}

// setting is a contact with these values.
func setting(values map[string]string) *contactv1.Contact {
	c := &contactv1.Contact{Labels: map[string]string{}}
	for field, value := range values {
		switch field {
		case "job_title":
			c.JobTitle = value
		case "note":
			c.Note = value
		case "organisation_name":
			c.OrganisationName = value
		default:
			c.Labels[strings.TrimPrefix(field, "labels.")] = value
		}
	}
	return c
}

func valuesOf(c *contactv1.Contact) map[string]string {
	values := map[string]string{"job_title": c.GetJobTitle(), "note": c.GetNote(), "organisation_name": c.GetOrganisationName()}
	for key, value := range c.GetLabels() {
		values["labels."+key] = value
	}
	maps.DeleteFunc(values, func(_, v string) bool { return v == "" })
	return values
}
