package record_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// writeSeen is a projection that writes down what it sees.
func writeSeen(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error {
	var b pgx.Batch
	for _, e := range events {
		b.Queue("INSERT INTO seen (aggregate, aggregate_seq, body) VALUES ($1, $2, $3)", e.GetAggregate(), e.GetAggregateSeq(), e.GetPayload().GetValue())
	}
	return tx.SendBatch(ctx, &b).Close()
}

// Calls of the three kinds of change, each of which can be made once only.
func (h *house) changes() map[string]func(ctx context.Context, n int) (proto.Message, error) {
	ctx := h.as(h.tenant)
	names := map[int]string{}
	for n := range 20 {
		names[n] = h.add(ctx, h.tenant, fmt.Sprint("old-", n)).GetName()
	}
	once := func(p *person) ([]entity.Event, error) {
		if p.Given != "Siti" {
			return nil, errors.New("changed twice")
		}
		return rename("X")(p)
	}
	return map[string]func(context.Context, int) (proto.Message, error){
		"create": func(ctx context.Context, n int) (proto.Message, error) {
			return h.store.Create(ctx, h.tenant, "", &contactv1.Contact{CustomerId: fmt.Sprint("new-", n), Labels: map[string]string{"a": "1", "b": "2", "c": "3"}})
		},
		"change": func(ctx context.Context, n int) (proto.Message, error) {
			return h.store.Change(ctx, h.tenant, names[n], "", once)
		},
		"write": func(ctx context.Context, n int) (proto.Message, error) {
			return record.Write(ctx, h.db, h.log, h.tenant, func(u *record.Unit) (*contactv1.Contact, error) {
				if _, err := h.store.GetIn(u, names[n+10]); err != nil {
					return nil, err
				}
				row, err := h.store.ChangeIn(u, names[n+10], once)
				if err != nil {
					return nil, err
				}
				return personProto(row), nil
			})
		},
	}
}

// k calls with one request id at once have one effect and one answer, byte for
// byte; another body is refused (I4).
func TestStore_twins(t *testing.T) {
	t.Parallel()
	h := open(t)
	for what, change := range h.changes() {
		for k := 2; k <= 5; k++ {
			before := h.count("SELECT count(*) FROM event_log")
			id := fmt.Sprint(what, k)
			answers := make([][]byte, k)
			var wg sync.WaitGroup
			for i := range k {
				wg.Go(func() {
					m, err := change(h.request(id, "body"), k)
					if err != nil {
						t.Errorf("%s, %d twins: %v", what, k, err)
						return
					}
					answers[i], _ = proto.MarshalOptions{Deterministic: true}.Marshal(m)
				})
			}
			wg.Wait()
			for i := range k {
				if string(answers[i]) != string(answers[0]) {
					t.Errorf("%s: twin %d of %d got another answer", what, i, k)
				}
			}
			if n := h.count("SELECT count(*) FROM event_log") - before; n != 1 {
				t.Errorf("%s, %d twins: %d events, want 1", what, k, n)
			}
			_, err := change(h.request(id, "another body"), k)
			wantReason(t, what, err, "IDEMPOTENCY_KEY_REUSED")
		}
	}
	if n := h.count("SELECT count(*) FROM idempotency WHERE tenant <> $1", h.tenant); n != 0 {
		t.Errorf("%d answers of another tenant", n)
	}
}

// A request id is the caller's, also where the call is about another tenant: that of
// one request is refused for the next, whatever tenant that one is about (B24).
func TestStore_requestAboutAnotherTenant(t *testing.T) {
	t.Parallel()
	h := open(t)
	create := func(of uuid.UUID, body string) (*contactv1.Contact, error) {
		return h.store.Create(h.request("one", body), of, "", &contactv1.Contact{CustomerId: entity.NewID().String()})
	}
	first, err := create(h.another, "body")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := create(h.another, "body"); err != nil || !proto.Equal(again, first) {
		t.Errorf("repeated, the call answers %v, %v", again, err)
	}
	for _, of := range []uuid.UUID{h.tenant, h.another, entity.NewID()} {
		_, err = create(of, "another body")
		wantReason(t, "of "+of.String(), err, "IDEMPOTENCY_KEY_REUSED")
	}
	name := h.add(h.as(h.another), h.another, "C-1").GetName()
	change := func(body string) (*contactv1.Contact, error) {
		return h.store.Change(h.request("two", body), h.another, name, "", rename(body))
	}
	changed, err := change("body")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := change("body"); err != nil || !proto.Equal(again, changed) {
		t.Errorf("repeated, the change answers %v, %v", again, err)
	}
	_, err = change("another body")
	wantReason(t, "another change", err, "IDEMPOTENCY_KEY_REUSED")
	if n := h.count("SELECT count(*) FROM idempotency WHERE tenant <> $1", h.tenant); n != 0 {
		t.Errorf("%d answers are kept for another tenant than the caller's", n)
	}
}

// A twin waits two seconds for the first, and is then told to retry.
func TestStore_twinInFlight(t *testing.T) {
	t.Parallel()
	h := open(t)
	c := h.add(h.as(h.tenant), h.tenant, "C-1")
	ctx := h.request("slow", "body")
	inside, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := h.store.Change(ctx, h.tenant, c.GetName(), "", func(p *person) ([]entity.Event, error) {
			close(inside)
			<-release
			return rename("X")(p)
		}); err != nil {
			t.Error(err)
		}
	})
	<-inside
	began := time.Now()
	_, err := h.store.Change(ctx, h.tenant, c.GetName(), "", rename("X"))
	wantReason(t, "a twin", err, "REQUEST_IN_FLIGHT")
	if took := time.Since(began); took < 1500*time.Millisecond {
		t.Errorf("the twin waited %s, want 2 s", took)
	}
	_, err = h.store.Change(h.request("other", "body"), h.tenant, c.GetName(), "", rename("Y"))
	wantReason(t, "another change of the row", err, "LOCKED")
	close(release)
	wg.Wait()
	if got, err := h.store.Change(ctx, h.tenant, c.GetName(), "", rename("never")); err != nil || got.GetGivenName() != "X" {
		t.Errorf("retrying = %v, %v", got, err)
	}
}

// A change that changed nothing is answered the same when it is repeated, even if
// by then it would.
func TestStore_twinOfNoChange(t *testing.T) {
	t.Parallel()
	h := open(t)
	c := h.add(h.as(h.tenant), h.tenant, "C-1")
	same := func(id string) (*contactv1.Contact, error) {
		return h.store.Update(h.request(id, "same"), h.tenant, &contactv1.Contact{Name: c.GetName(), GivenName: "Siti"}, nil)
	}
	if got, err := same("r"); err != nil || got.GetEtag() != c.GetEtag() {
		t.Fatalf("Update = %v, %v", got, err)
	}
	if _, err := h.store.Change(h.as(h.tenant), h.tenant, c.GetName(), "", rename("Budi")); err != nil {
		t.Fatal(err)
	}
	if got, err := same("r"); err != nil || got.GetEtag() != c.GetEtag() {
		t.Errorf("repeated: %v, %v", got, err)
	}
}

// The answers kept for requests go with the contact they tell of.
func TestStore_erasedAnswer(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := h.request("r", "body")
	c := h.add(ctx, h.tenant, "C-1")
	other := h.request("other", "body")
	kept := h.add(other, h.tenant, "C-2")
	id, err := h.store.ParseName(c.GetName())
	if err != nil {
		t.Fatal(err)
	}
	var b pgx.Batch
	eventlog.QueueErasure(&b, h.tenant, id)
	if err := h.db.System.SendBatch(t.Context(), &b).Close(); err != nil {
		t.Fatal(err)
	}
	_, err = h.store.Create(ctx, h.tenant, "", &contactv1.Contact{CustomerId: "C-1"})
	wantReason(t, "repeating a request whose contact was erased", err, "CONTACT_ERASED")
	if again := h.add(other, h.tenant, "C-2"); !proto.Equal(again, kept) {
		t.Errorf("the answer of another contact: %v", again)
	}
}

// headers is the part of an RPC that answers headers.
type headers struct {
	grpc.ServerTransportStream
	got metadata.MD
}

func (s *headers) SetHeader(md metadata.MD) error {
	s.got = metadata.Join(s.got, md)
	return nil
}

// A change answers its position in the log, a repetition the same, and a
// projection waits for it.
func TestStore_answersAPosition(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.relay()
	position := func(ctx context.Context, number string) string {
		stream := &headers{}
		h.add(grpc.NewContextWithServerTransportStream(ctx, stream), h.tenant, number)
		token := stream.got.Get(call.PositionHeader)
		if len(token) != 1 {
			t.Fatalf("positions %v, want one", token)
		}
		return token[0]
	}
	reader := &eventlog.Runner{
		Projection: eventlog.Projection{Name: "seen", Areas: []string{"contact"}}, DB: h.db.System,
		Sources: map[string]eventlog.Source{"contact": &eventlog.Reader{DB: h.db.System}},
	}
	for n := range 10 {
		token := position(h.as(h.tenant), fmt.Sprint("C-", n))
		if err := reader.WaitFor(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		if seen := h.count("SELECT count(*) FROM seen"); seen != n+1 {
			t.Fatalf("the projection shows %d changes at %s, want %d", seen, token, n+1)
		}
	}
	first := position(h.request("r", ""), "C-10")
	if again := position(h.request("r", ""), "C-10"); again != first {
		t.Errorf("repeated: position %s, want %s", again, first)
	}
}

// Many goroutines change few rows: no change is lost, the history is what
// happened, its numbers have no gap, and consumers see it in that order (I2, I3).
func TestStore_race(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.relay()
	ctx := h.as(h.tenant)
	var names []string
	for n := range 3 {
		names = append(names, h.add(ctx, h.tenant, fmt.Sprint("C-", n)).GetName())
	}
	const goroutines, rounds = 12, 15
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range rounds {
				_, err := h.store.Change(ctx, h.tenant, names[(g+i)%len(names)], "", func(p *person) ([]entity.Event, error) {
					p.Language += "x" // a lost update shows as a missing letter
					events := []entity.Event{entity.Updated{}}
					if i%5 == 0 {
						events = append(events, entity.Updated{})
					}
					return events, nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	changed := h.count("SELECT sum(length(language_code) - 2) FROM person")
	if changed != goroutines*rounds {
		t.Errorf("%d changes are in the rows, want %d", changed, goroutines*rounds)
	}
	events := h.count("SELECT count(*) FROM event_log")
	if last := h.count("SELECT sum(seq) FROM person"); last != events {
		t.Errorf("the rows count %d events, the log %d", last, events)
	}
	deadline := time.Now().Add(20 * time.Second)
	for h.count("SELECT count(*) FROM seen") < events && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if n := h.count("SELECT count(*) FROM seen"); n != events {
		t.Errorf("the projection saw %d events, want %d", n, events)
	}
	if n := h.count(`
		SELECT count(*) FROM (
			SELECT aggregate_seq, lag(aggregate_seq, 1, 0::bigint) OVER (PARTITION BY aggregate ORDER BY n) AS before FROM seen) x
		WHERE aggregate_seq <> before + 1`); n != 0 {
		t.Errorf("%d events were seen out of order", n)
	}
	h.checkStates(names)
}

// checkStates checks that the last event of each aggregate is its state.
func (h *house) checkStates(names []string) {
	h.t.Helper()
	for _, name := range names {
		var body []byte
		err := h.db.System.QueryRow(context.Background(), `
			SELECT body FROM seen WHERE aggregate = $1 ORDER BY aggregate_seq DESC LIMIT 1`, name).Scan(&body)
		if err != nil {
			h.t.Fatal(err)
		}
		var last contactv1.ContactUpdated
		if err := proto.Unmarshal(body, &last); err != nil {
			h.t.Fatal(err)
		}
		row, err := h.store.Read(h.as(h.tenant), h.tenant, name)
		if err != nil {
			h.t.Fatal(err)
		}
		if !proto.Equal(last.GetContact(), row) {
			h.t.Errorf("the last event is not the state:\n%v\n%v", last.GetContact(), row)
		}
	}
}
