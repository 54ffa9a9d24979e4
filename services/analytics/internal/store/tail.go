package store

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

const (
	// tailPause is how often the tail looks for news while somebody waits for them.
	// To be told of them by NOTIFY would make every batch of events wait for all
	// other notifying transactions of the cluster.
	tailPause = 50 * time.Millisecond
	// subscriberBuffer is how many events a slow subscriber may be behind before
	// it has to read them from the store.
	subscriberBuffer = 256
)

// tail tells subscribers of new events. However many there are, it reads each
// event once; it reads nothing while there are none.
type tail struct {
	store *Store
	// joined wakes the loop when the first subscriber comes.
	joined chan struct{}

	mu sync.Mutex
	// seen is the newest arrival that was told, by tenant with subscribers.
	seen        map[uuid.UUID]int64
	subscribers map[*Subscription]bool
}

// Subscription is what one reader hears of. Close it.
type Subscription struct {
	tail    *tail
	tenant  uuid.UUID
	contact uuid.UUID

	// From is the arrival after which events come through News: what came before
	// is in the store.
	From int64
	// News gets the events, sealed and shared with other readers: change none. It is
	// closed when the reader was too slow: subscribe again, and read from the store
	// what is missing.
	News chan Stored
}

func newTail(s *Store) *tail {
	return &tail{store: s, joined: make(chan struct{}, 1), seen: map[uuid.UUID]int64{}, subscribers: map[*Subscription]bool{}}
}

// Subscribe tells of the tenant's events from now on: of those that concern the
// contact, or of all where it is uuid.Nil.
func (s *Store) Subscribe(ctx context.Context, tenant, contact uuid.UUID) (*Subscription, error) {
	newest, err := s.Newest(ctx, tenant)
	if err != nil {
		return nil, err
	}
	t := s.tail
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.seen[tenant]; !known {
		t.seen[tenant] = newest
	}
	sub := &Subscription{tail: t, tenant: tenant, contact: contact, From: t.seen[tenant], News: make(chan Stored, subscriberBuffer)}
	t.subscribers[sub] = true
	select {
	case t.joined <- struct{}{}:
	default:
	}
	return sub, nil
}

// Close ends the subscription.
func (sub *Subscription) Close() {
	sub.tail.mu.Lock()
	defer sub.tail.mu.Unlock()
	sub.tail.drop(sub)
}

func (t *tail) drop(sub *Subscription) {
	if !t.subscribers[sub] {
		return
	}
	delete(t.subscribers, sub)
	close(sub.News)
	for other := range t.subscribers {
		if other.tenant == sub.tenant {
			return
		}
	}
	delete(t.seen, sub.tenant)
}

// Tell tells subscribers of new events until the context ends.
func (s *Store) Tell(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.tail.joined:
			if err := s.tail.follow(ctx); err != nil {
				s.tail.rejoin()
				return err
			}
		}
	}
}

// rejoin lets the next run of the loop begin at once where somebody waits.
func (t *tail) rejoin() {
	select {
	case t.joined <- struct{}{}:
	default:
	}
}

// follow tells of new events for as long as there are subscribers.
func (t *tail) follow(ctx context.Context) error {
	for {
		seen := t.tenants()
		if len(seen) == 0 {
			return nil
		}
		full, err := t.read(ctx, seen)
		if err != nil {
			return err
		}
		if full {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(tailPause):
		}
	}
}

func (t *tail) tenants() map[uuid.UUID]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	seen := make(map[uuid.UUID]int64, len(t.seen))
	for tenant, arrival := range t.seen {
		seen[tenant] = arrival
	}
	return seen
}

const selectNews = `
SELECT e.tenant, e.arrival, e.event
FROM unnest($1::uuid[], $2::bigint[]) AS seen (tenant, arrival)
CROSS JOIN LATERAL (
	SELECT s.tenant, s.arrival, s.event
	FROM event_store s
	WHERE s.tenant = seen.tenant AND s.arrival > seen.arrival
	ORDER BY s.arrival
	LIMIT $3
) e`

// read tells what has come since it was last told, and whether there may be more.
func (t *tail) read(ctx context.Context, seen map[uuid.UUID]int64) (full bool, err error) {
	var tenants []uuid.UUID
	var arrivals []int64
	for tenant, arrival := range seen {
		tenants, arrivals = append(tenants, tenant), append(arrivals, arrival)
	}
	rows, err := t.store.db.System.Query(ctx, selectNews, tenants, arrivals, scanRows)
	if err != nil {
		return false, err
	}
	counts := map[uuid.UUID]int{}
	var tenant uuid.UUID
	var arrival int64
	var body []byte
	_, err = pgx.ForEachRow(rows, []any{&tenant, &arrival, &body}, func() error {
		e := &eventv1.Event{}
		if err := proto.Unmarshal(body, e); err != nil {
			return err
		}
		counts[tenant]++
		full = full || counts[tenant] == scanRows
		t.tell(tenant, Stored{Arrival: arrival, Event: e})
		return nil
	})
	return full, err
}

func (t *tail) tell(tenant uuid.UUID, e Stored) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.seen[tenant]; !known {
		return // the last subscriber has left
	}
	t.seen[tenant] = e.Arrival
	for sub := range t.subscribers {
		if sub.tenant != tenant || !sub.concerns(e) {
			continue
		}
		select {
		case sub.News <- e:
		default:
			t.drop(sub)
		}
	}
}

func (sub *Subscription) concerns(e Stored) bool {
	if sub.contact == uuid.Nil {
		return true
	}
	for _, name := range e.GetContacts() {
		if name == "contacts/"+sub.contact.String() {
			return true
		}
	}
	return false
}
