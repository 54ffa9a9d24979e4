// Package live follows the events of all tenants at the broker, once per process,
// and hands each to the callers of its tenant as server-sent events.
//
// A caller that cannot keep up is hung up on, and comes back with the id of the
// last event it saw: the broker tells again what came after, in the order of the
// broker. Where it no longer knows that event, the stream says "reset" and goes
// on with what is new. So an event may come twice, and none is left out in
// silence.
package live

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fieldaccess"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

const (
	// queueLength is how many events wait for a caller before it is hung up on.
	queueLength = 256
	// streamsPerCaller and streamsInAll bound the open streams.
	streamsPerCaller = 16
	streamsInAll     = 1000
	// pullExpiry and pullHeartbeat make a lost pull request cost a second; with
	// the defaults of the client it costs thirty.
	pullExpiry    = 2 * time.Second
	pullHeartbeat = 500 * time.Millisecond
	// setUp bounds finding the stream and making a consumer.
	setUp = 5 * time.Second
	// unsealTimeout bounds fetching the key of an event.
	unsealTimeout = 2 * time.Second
)

// Hub joins the broker and the callers. Make it by New.
type Hub struct {
	conn  *nats.Conn
	keys  eventlog.Keys
	rules *fieldaccess.Book
	// readers are the roles that may get every resource of a collection.
	readers map[string][]auth.Role
	log     *slog.Logger

	mu     sync.Mutex
	live   map[uuid.UUID]map[*listener]bool
	counts map[string]int
	open   int
	last   uint64
}

// New makes a hub. Readers are the roles that may get every resource of a collection,
// such as "contacts": they hear of it. Run must run for callers to hear anything.
func New(conn *nats.Conn, keys eventlog.Keys, rules *fieldaccess.Book, readers map[string][]auth.Role, log *slog.Logger) *Hub {
	return &Hub{conn: conn, keys: keys, rules: rules, readers: readers, log: log, live: map[uuid.UUID]map[*listener]bool{}, counts: map[string]int{}}
}

// told is an event ready to be written.
type told struct {
	// seq is its place in the broker's stream.
	seq      uint64
	id, kind string
	contacts []string
	event    *eventv1.Event
	json     []byte
}

// listener is one caller.
type listener struct {
	tenant uuid.UUID
	holder string
	filter filter
	events chan told
	// lost is closed when the listener could not keep up, or the hub has lost its
	// own place.
	lost chan struct{}
	once sync.Once
}

func (l *listener) lose() { l.once.Do(func() { close(l.lost) }) }

var errStreams = errs.Exhausted("TOO_MANY_STREAMS", "too many streams are open", 5*time.Second)

// join adds a listener.
func (h *Hub) join(tenant uuid.UUID, holder string, f filter) (*listener, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open >= streamsInAll || h.counts[holder] >= streamsPerCaller {
		return nil, errStreams
	}
	l := &listener{tenant: tenant, holder: holder, filter: f, events: make(chan told, queueLength), lost: make(chan struct{})}
	h.open++
	h.counts[holder]++
	if h.live[tenant] == nil {
		h.live[tenant] = map[*listener]bool{}
	}
	h.live[tenant][l] = true
	return l, nil
}

func (h *Hub) leave(l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open--
	if h.counts[l.holder]--; h.counts[l.holder] == 0 {
		delete(h.counts, l.holder)
	}
	delete(h.live[l.tenant], l)
	if len(h.live[l.tenant]) == 0 {
		delete(h.live, l.tenant)
	}
}

// listeners answers those of a tenant.
func (h *Hub) listeners(tenant uuid.UUID) []*listener {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*listener, 0, len(h.live[tenant]))
	for l := range h.live[tenant] {
		all = append(all, l)
	}
	return all
}

// Run follows the broker until the context ends or the connection to it breaks.
// Run again, it goes on where it was; where that place is gone, the listeners are
// sent to resume by themselves.
func (h *Hub) Run(ctx context.Context) error {
	messages, err := h.consume(ctx)
	if err != nil {
		return err
	}
	defer messages.Stop()
	stop := context.AfterFunc(ctx, messages.Stop)
	defer stop()
	for {
		m, err := messages.Next()
		if err != nil {
			return errors.Join(ctx.Err(), err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		h.forget(m)
		h.tell(ctx, meta.Sequence.Stream, m.Data())
		h.mu.Lock()
		h.last = meta.Sequence.Stream
		h.mu.Unlock()
	}
}

// consume opens a consumer after the last event that was told.
func (h *Hub) consume(ctx context.Context) (jetstream.MessagesContext, error) {
	ctx, cancel := context.WithTimeout(ctx, setUp)
	defer cancel()
	stream, err := h.stream(ctx)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	last := h.last
	h.mu.Unlock()
	config := jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverNewPolicy}
	switch state := stream.CachedInfo().State; {
	case last == 0:
	case last <= state.LastSeq && last+1 >= state.FirstSeq:
		config.DeliverPolicy, config.OptStartSeq = jetstream.DeliverByStartSequencePolicy, last+1
	default:
		h.loseAll()
	}
	consumer, err := stream.OrderedConsumer(ctx, config)
	if err != nil {
		return nil, err
	}
	return consumer.Messages(jetstream.PullExpiry(pullExpiry), jetstream.PullHeartbeat(pullHeartbeat))
}

func (h *Hub) stream(ctx context.Context) (jetstream.Stream, error) {
	js, err := jetstream.New(h.conn)
	if err != nil {
		return nil, err
	}
	stream, err := js.Stream(ctx, eventlog.StreamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return eventlog.EnsureStream(ctx, js)
	}
	return stream, err
}

func (h *Hub) loseAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, listeners := range h.live {
		for l := range listeners {
			l.lose()
		}
	}
}

// forget drops the key of a contact that was erased, also while nobody listens.
func (h *Hub) forget(m jetstream.Msg) {
	if !strings.HasSuffix(m.Subject(), ".ContactErased") {
		return
	}
	var e eventv1.Event
	if proto.Unmarshal(m.Data(), &e) == nil {
		eventlog.Forget(h.keys, &e)
	}
}

// tell hands an event to the listeners of its tenant that want it.
func (h *Hub) tell(ctx context.Context, seq uint64, data []byte) {
	h.mu.Lock()
	idle := h.open == 0
	h.mu.Unlock()
	if idle {
		return
	}
	var e eventv1.Event
	if err := proto.Unmarshal(data, &e); err != nil {
		h.log.ErrorContext(ctx, "an event at the broker cannot be read", "sequence", seq, "cause", err.Error())
		return
	}
	listeners := h.listeners(tenantOf(&e))
	if len(listeners) == 0 {
		return
	}
	t, err := h.word(ctx, seq, &e)
	if err != nil {
		h.log.ErrorContext(ctx, "an event cannot be told", "event", e.GetId(), "cause", err.Error())
		return
	}
	for _, l := range listeners {
		if !l.filter.wants(t) {
			continue
		}
		select {
		case l.events <- t:
		default:
			l.lose()
		}
	}
}

func tenantOf(e *eventv1.Event) uuid.UUID {
	const prefix = "tenants/"
	if len(e.GetTenant()) < len(prefix) {
		return uuid.Nil
	}
	id, err := uuid.Parse(e.GetTenant()[len(prefix):])
	if err != nil {
		return uuid.Nil
	}
	return id
}

// hears says whether a caller may hear of a resource: whether one of its roles may get
// every one of its kind. Of what nobody can get only those hear who may see all.
func (h *Hub) hears(c auth.Caller, e *eventv1.Event) bool {
	collection, _, _ := strings.Cut(e.GetAggregate(), "/")
	readers, ok := h.readers[collection]
	if !ok {
		readers = unbound
	}
	return slices.ContainsFunc(readers, c.Has)
}

// allow leaves out of an event what a caller may not see.
func (h *Hub) allow(ctx context.Context, c auth.Caller, t told) (told, error) {
	policy, err := h.rules.Of(ctx, c.Tenant)
	if err != nil || policy == nil {
		return t, err
	}
	own := proto.CloneOf(t.event)
	if len(policy.Hide(c, own)) == 0 {
		return t, nil
	}
	t.json, err = protojson.Marshal(own)
	return t, err
}

// word writes an event as JSON, its personal fields in their places. Where their
// key cannot be had they stay out: the caller can still read the resource.
func (h *Hub) word(ctx context.Context, seq uint64, e *eventv1.Event) (told, error) {
	unsealing, cancel := context.WithTimeout(ctx, unsealTimeout)
	defer cancel()
	if err := eventlog.Unseal(unsealing, h.keys, e); err != nil {
		h.log.WarnContext(ctx, "an event is told without its personal fields", "event", e.GetId(), "cause", err.Error())
		e.Sealed = nil
	}
	data, err := protojson.Marshal(e)
	return told{seq: seq, id: e.GetId(), kind: e.GetType(), contacts: e.GetContacts(), event: e, json: data}, err
}
