package record_test

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// person is the aggregate of these tests: a contact with few fields, of which
// the number is unique.
type person struct {
	entity.Meta
	Kind     int32    `db:"kind"`
	Number   string   `db:"number"`
	Given    string   `db:"given_name"`
	Family   string   `db:"family_name"`
	Language string   `db:"language_code"`
	Tags     []string `db:"tags,json"`
}

var schema = fstest.MapFS{"00001_person.sql": {Data: []byte(`-- +goose Up
CREATE TABLE person (
	tenant uuid NOT NULL,
	id uuid NOT NULL,
	create_time timestamptz NOT NULL,
	update_time timestamptz NOT NULL,
	delete_time timestamptz,
	seq bigint NOT NULL,
	partition smallint NOT NULL,
	owner text NOT NULL,
	team text NOT NULL,
	source text NOT NULL,
	external_ids jsonb NOT NULL,
	labels jsonb NOT NULL,
	custom_fields jsonb NOT NULL,
	kind int NOT NULL,
	number text NOT NULL,
	given_name text NOT NULL,
	family_name text NOT NULL,
	language_code text NOT NULL,
	tags jsonb NOT NULL,
	PRIMARY KEY (tenant, id),
	CONSTRAINT person_number UNIQUE (tenant, number)
);
SELECT lingkar_secure('person');
CREATE TABLE tag (
	tenant uuid NOT NULL,
	person uuid NOT NULL,
	tag text NOT NULL,
	PRIMARY KEY (tenant, person, tag)
);
SELECT lingkar_secure('tag');
CREATE TABLE seen (n bigint GENERATED ALWAYS AS IDENTITY, aggregate text, aggregate_seq bigint, body bytea);
SELECT lingkar_grant('seen');
`)}}

func migrate(ctx context.Context, ownerURL string) error {
	if err := postgres.Migrate(ctx, ownerURL, eventlog.VersionTable, eventlog.Migrations); err != nil {
		return err
	}
	return postgres.Migrate(ctx, ownerURL, "person_version", schema)
}

var personTable = postgres.NewTable[person](postgres.Def{
	Name: "person", Kind: "contact", Collection: "contacts",
	Fields: []postgres.Field{{Path: "create_time", Type: postgres.Time}, {Path: "owner"}, {Path: "team"}, {Path: "number"}},
	Orders: [][]string{{"create_time"}},
	Constraints: map[string]*errs.Error{
		"person_number": errs.AlreadyExists("NUMBER_TAKEN", "another contact has this number"),
	},
})

// house is one service with its store.
type house struct {
	t       testing.TB
	db      *postgres.DB
	store   *record.Store[person, *contactv1.Contact]
	log     *eventlog.Log
	keys    *eventlog.KeyCache
	trips   *testkit.Trips
	tenant  uuid.UUID
	another uuid.UUID
}

func open(t testing.TB) *house {
	t.Helper()
	h := &house{t: t, trips: &testkit.Trips{}, tenant: uuid.New(), another: uuid.New()}
	urls := testkit.Database(t, "record", migrate, eventlog.Migrations, schema)
	db, err := postgres.Open(t.Context(), urls.App, urls.System, postgres.Options{
		PageKey: []byte("a key for tests only"), Configure: h.trips.Trace,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	h.db = db
	h.keys = eventlog.NewKeyCache(time.Now, loadKeys)
	h.log = &eventlog.Log{Area: "contact", Keys: h.keys, Now: time.Now}
	h.store = newStore(db, h.log)
	return h
}

func loadKeys(_ context.Context, tenant uuid.UUID, contacts []uuid.UUID) (map[uuid.UUID]eventlog.Key, error) {
	keys := map[uuid.UUID]eventlog.Key{}
	for _, c := range contacts {
		secret := sha256.Sum256([]byte(tenant.String() + c.String()))
		key, err := eventlog.NewKey("k", secret[:])
		if err != nil {
			return nil, err
		}
		keys[c] = key
	}
	return keys, nil
}

func newStore(db *postgres.DB, log *eventlog.Log) *record.Store[person, *contactv1.Contact] {
	return &record.Store[person, *contactv1.Contact]{
		DB: db, Log: log, Table: personTable, Kind: "contact", Collection: "contacts",
		Meta:     func(p *person) *entity.Meta { return &p.Meta },
		Contacts: func(p *person) []uuid.UUID { return []uuid.UUID{p.ID} },
		Proto:    personProto, Fill: fillPerson, Event: personEvent, Extra: writeTags,
	}
}

func personProto(p *person) *contactv1.Contact {
	custom, err := structpb.NewStruct(p.CustomFields)
	if err != nil {
		panic(err)
	}
	c := &contactv1.Contact{
		Name: "contacts/" + p.ID.String(), CustomerId: p.Number, Kind: contactv1.ContactKind(p.Kind),
		GivenName: p.Given, FamilyName: p.Family, LanguageCode: p.Language, Note: strings.Join(p.Tags, " "),
		Owner: p.Owner, Team: p.Team, Source: p.Source, ExternalIds: p.ExternalIDs, Labels: p.Labels, CustomFields: custom,
		CreateTime: timestamppb.New(p.CreateTime), UpdateTime: timestamppb.New(p.UpdateTime), Etag: p.Etag(),
	}
	if p.DeleteTime != nil {
		c.DeleteTime = timestamppb.New(*p.DeleteTime)
	}
	return c
}

// fillPerson keeps the note as tags in a table of their own, and refuses a given
// name "Nobody".
func fillPerson(p *person, c *contactv1.Contact) error {
	if c.GetGivenName() == "Nobody" {
		return errs.Invalid("contact.given_name", "", "must name somebody")
	}
	p.Kind, p.Given, p.Family, p.Language = int32(c.GetKind()), c.GetGivenName(), c.GetFamilyName(), c.GetLanguageCode()
	p.Owner, p.Team, p.Source = c.GetOwner(), c.GetTeam(), c.GetSource()
	p.ExternalIDs, p.Labels, p.CustomFields = c.GetExternalIds(), c.GetLabels(), c.GetCustomFields().AsMap()
	if p.Number == "" {
		p.Number = c.GetCustomerId()
	}
	p.Tags = append(p.Tags[:0], strings.Fields(c.GetNote())...) // in place, to see that "before" is a copy
	return nil
}

func personEvent(p *person, e entity.Event) eventlog.Draft {
	c := personProto(p)
	switch e := e.(type) {
	case entity.Created:
		return eventlog.Draft{Payload: &contactv1.ContactCreated{Contact: c}}
	case entity.Updated:
		return eventlog.Draft{Payload: &contactv1.ContactUpdated{Contact: c, Paths: e.Paths}}
	case entity.Deleted:
		return eventlog.Draft{Payload: &contactv1.ContactDeleted{Contact: c}}
	default:
		return eventlog.Draft{Payload: &contactv1.ContactUndeleted{Contact: c}}
	}
}

var (
	dropTag = postgres.NewStatement("tag", `
		DELETE FROM tag AS t USING unnest($2::uuid[], $3::text[]) AS d (person, tag)
		WHERE t.tenant = $1 AND t.person = d.person AND t.tag = d.tag`)
	insertTag = postgres.NewStatement("tag", `
		INSERT INTO tag (tenant, person, tag) SELECT $1, i.person, i.tag FROM unnest($2::uuid[], $3::text[]) AS i (person, tag)`)
)

// writeTags writes the difference of the tags.
func writeTags(w *postgres.Writes, before, after *person) {
	if before != nil {
		for _, tag := range before.Tags {
			w.Add(dropTag, after.ID, tag)
		}
	}
	for _, tag := range after.Tags {
		w.Add(insertTag, after.ID, tag)
	}
}

// as is a call of a user of the tenant that may see everything.
func (h *house) as(tenant uuid.UUID) context.Context {
	ctx := auth.With(h.t.Context(), auth.Caller{Tenant: tenant, Subject: "users/siti", Teams: []string{"teams/a"}})
	return auth.WithScope(ctx, auth.All)
}

// request is a call with a request id; the body is what its hash is made of.
func (h *house) request(id, body string) context.Context {
	return call.With(h.as(h.tenant), call.Info{
		Method: "/lingkar.contact.v1.ContactService/Test", RequestID: id, Hash: sha256.Sum256([]byte(body)), Correlation: "c-1",
	})
}

// add creates a person.
func (h *house) add(ctx context.Context, tenant uuid.UUID, number string) *contactv1.Contact {
	h.t.Helper()
	c, err := h.store.Create(ctx, tenant, "", &contactv1.Contact{
		Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, CustomerId: number, GivenName: "Siti", LanguageCode: "id",
		Labels: map[string]string{"tier": "gold", "area": "x"}, Note: "one two",
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// count answers the one number of a query as role relay.
func (h *house) count(query string, args ...any) int {
	h.t.Helper()
	var n int
	if err := h.db.System.QueryRow(context.Background(), query, args...).Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n
}

// wantReason fails the test unless the error has the reason.
func wantReason(t testing.TB, what string, err error, reason string) {
	t.Helper()
	if errs.Reason(err) != reason {
		t.Errorf("%s: %v, want %s", what, err, reason)
	}
}

// rename is a rule that changes the given name.
func rename(to string) func(*person) ([]entity.Event, error) {
	return func(p *person) ([]entity.Event, error) {
		p.Given = to
		return []entity.Event{entity.Updated{Paths: []string{"given_name"}}}, nil
	}
}

// relay moves the events of the house to a broker and into table seen.
func (h *house) relay() {
	conn := testkit.NATS(h.t)
	logger := slog.New(slog.DiscardHandler)
	relay := &eventlog.Relay{Area: "contact", DB: h.db.System, NATS: conn, Now: time.Now, Logger: logger}
	h.log.Wake = relay.Wake
	runner := &eventlog.Runner{
		Projection: eventlog.Projection{Name: "seen", Areas: []string{"contact"}, Apply: writeSeen},
		DB:         h.db.System, Feed: &eventlog.Feed{NATS: conn}, Keys: h.keys, Logger: logger,
		Sources: map[string]eventlog.Source{"contact": &eventlog.Reader{DB: h.db.System}},
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = relay.Run(ctx) })
	wg.Go(func() { _ = runner.Run(ctx) })
	h.t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
}
