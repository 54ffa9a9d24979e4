package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
)

// TestBenchSeed makes 2,000 contacts and expects a suite that goes on working on
// them: the views are those that a rebuild makes of the events, sealed fields can
// be read, lists and look-ups find copies, and writes go through to the view.
func TestBenchSeed(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	made := &suite{dir: dir}
	if out := made.run(t, "bench", "seed", "--contacts", "2000", "--output", "json"); !strings.Contains(out, `"contacts":2000`) {
		t.Fatalf("seed answers %s", out)
	}
	s := up(t, dir)
	if out := s.run(t, "rebuild", "--compare"); strings.Count(out, "identical") < 5 || strings.Contains(out, "DIFFERENT") {
		t.Errorf("rebuild:\n%s", out)
	}
	s.indexesValid(t)
	view := s.run(t, "360", "C-10001005")
	if !strings.Contains(view, "+62812700001005") || !strings.Contains(view, "Contact created") {
		t.Errorf("the view of a copy:\n%s", view)
	}
	contacts := contactv1.NewContactServiceClient(s.conn(t))
	found, err := contacts.LookupContact(s.ctx(t), &contactv1.LookupContactRequest{
		Identifier: &contactv1.LookupContactRequest_ExternalId{ExternalId: &contactv1.ExternalId{System: "erp", Id: "700002690"}},
	})
	if err != nil || len(found.GetContacts()) != 1 {
		t.Fatalf("look-up of a copy: %v, %v", found, err)
	}
	copied := found.GetContacts()[0]
	events, err := analyticsv1.NewEventStoreServiceClient(s.conn(t)).ListEvents(s.ctx(t), &analyticsv1.ListEventsRequest{
		Contact: copied.GetName(), PageSize: 100,
	})
	if err != nil || len(events.GetEvents()) < 3 || !strings.Contains(events.String(), copied.GetFamilyName()) {
		t.Errorf("the events of a copy, unsealed: %v, %.500v", err, events)
	}
	number := copied.GetCustomerId()
	copied.GivenName = "Changed"
	if _, err := contacts.UpdateContact(s.ctx(t), &contactv1.UpdateContactRequest{Contact: copied}); err != nil {
		t.Fatalf("change a copy: %v", err)
	}
	fresh, err := contacts.CreateContact(s.ctx(t), &contactv1.CreateContactRequest{
		Contact: &contactv1.Contact{Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: "New one"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []struct{ number, want string }{{number, "Changed"}, {fresh.GetCustomerId(), "New one"}} {
		shown := false
		for deadline := time.Now().Add(time.Minute); !shown && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			out, err := s.try("360", who.number)
			shown = err == nil && strings.Contains(out, who.want)
		}
		if !shown {
			t.Errorf("the view of %s never shows %q", who.number, who.want)
		}
	}
	s.stop(t)
}

// TestBenchSeed_alone makes contacts to whom nothing has happened, and expects that they
// can be listed and read, and that new ones get numbers of their own.
func TestBenchSeed_alone(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	made := &suite{dir: dir}
	if out := made.run(t, "bench", "seed", "--contacts", "1000", "--alone", "--output", "json"); !strings.Contains(out, `"contacts":1000,"events":0`) {
		t.Fatalf("seed answers %s", out)
	}
	s := up(t, dir)
	client := contactv1.NewContactServiceClient(s.conn(t))
	numbers := map[string]bool{}
	for page := ""; ; {
		list, err := client.ListContacts(s.ctx(t), &contactv1.ListContactsRequest{PageSize: 500, PageToken: page, OrderBy: "create_time desc"})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list.GetContacts() {
			numbers[c.GetCustomerId()] = true
		}
		if page = list.GetNextPageToken(); page == "" {
			break
		}
	}
	if len(numbers) < 1000 {
		t.Errorf("%d contacts are listed, want 1,000", len(numbers))
	}
	fresh, err := client.CreateContact(s.ctx(t), &contactv1.CreateContactRequest{
		Contact: &contactv1.Contact{Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: "New one"},
	})
	if err != nil || numbers[fresh.GetCustomerId()] {
		t.Errorf("a new contact: %v, %v", fresh, err)
	}
	s.stop(t)
}

// indexesValid expects that no index was made for a partitioned table alone: without
// those of its partitions every look-up in it reads all rows.
func (s *suite) indexesValid(t *testing.T) {
	t.Helper()
	password, err := os.ReadFile(filepath.Join(s.dir, "postgres", "password"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(s.dir, "postgres", "server.json"))
	if err != nil {
		t.Fatal(err)
	}
	var server struct{ Port int }
	if err := json.Unmarshal(raw, &server); err != nil {
		t.Fatal(err)
	}
	for _, service := range fleet.All() {
		name := fleet.Database(service.Area)
		conn, err := pgx.Connect(t.Context(), fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/%s?sslmode=disable", strings.TrimSpace(string(password)), server.Port, name))
		if err != nil {
			t.Fatal(err)
		}
		var invalid []string
		if err := conn.QueryRow(t.Context(), "SELECT coalesce(array_agg(indexrelid::regclass::text), '{}') FROM pg_index WHERE NOT indisvalid").Scan(&invalid); err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(invalid) > 0 {
			t.Errorf("%s has indexes that serve nobody: %v", name, invalid)
		}
	}
}

// TestBenchSeed_refusals expects one clear line, and nothing left behind.
func TestBenchSeed_refusals(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	full := &suite{dir: filepath.Join(parent, "full")}
	if err := os.MkdirAll(filepath.Join(full.dir, "something"), 0o700); err != nil {
		t.Fatal(err)
	}
	fresh := &suite{dir: filepath.Join(parent, "fresh")}
	for _, c := range []struct {
		s    *suite
		args []string
		want string
	}{
		{full, nil, "is not empty"},
		{fresh, []string{"--contacts", "7"}, "--contacts takes"},
		{fresh, []string{"--contacts", "50000000"}, "the disk of"},
	} {
		out, err := c.s.try(append([]string{"bench", "seed"}, c.args...)...)
		if err == nil || !strings.Contains(out, c.want) || strings.Count(strings.TrimSpace(out), "\n") > 0 {
			t.Errorf("%v: %v, want one line with %q:\n%s", c.args, err, c.want, out)
		}
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
