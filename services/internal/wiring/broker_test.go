package wiring_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lingkar-crm/lingkar/pkg/broker"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/mesh"
	"github.com/lingkar-crm/lingkar/pkg/natsserver"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/internal/wiring"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestMesh(t *testing.T) {
	t.Parallel()
	if err := wiring.Mesh.Check(); err != nil {
		t.Error(err)
	}
}

// publishers say who may publish on a subject, or ask for it at JetStream's API.
// What is not listed here nobody may, but the operator. This is what we mean;
// package broker is what we do.
var publishers = map[string][]string{
	"evt.contact.0.ContactCreated": {"contact"},
	"evt.sales.7.LeadCaptured":     {"sales-force-automation"},
	"evt.ticket.15.TicketOpened":   {"service-ticket"},
	"evt.campaign.1.TouchSent":     {"marketing-campaign"},
	"evt.analytics.1.Something":    {"analytics"},
	"evt.platform.1.TenantCreated": {"gateway"},
	"evt":                          nil,
	"evt.other.1.X":                nil,
	"anything":                     nil,

	"_INBOX_contact.x": nil,
	"_INBOX.x":         nil,

	"$JS.API.STREAM.INFO.EVENTS":       everybody,
	"$JS.API.STREAM.CREATE.EVENTS":     everybody,
	"$JS.API.STREAM.CREATE.OTHER":      nil,
	"$JS.API.STREAM.UPDATE.EVENTS":     nil,
	"$JS.API.STREAM.DELETE.EVENTS":     nil,
	"$JS.API.STREAM.PURGE.EVENTS":      nil,
	"$JS.API.STREAM.MSG.DELETE.EVENTS": nil,
	"$JS.API.STREAM.MSG.GET.EVENTS":    nil,
	"$JS.API.STREAM.SNAPSHOT.EVENTS":   nil,
	"$JS.API.STREAM.RESTORE.EVENTS":    nil,
	"$JS.API.STREAM.LIST":              nil,
	"$JS.API.STREAM.NAMES":             nil,
	"$JS.API.DIRECT.GET.EVENTS":        nil,
	"$JS.API.INFO":                     nil,

	"$JS.API.CONSUMER.CREATE.EVENTS.c.evt.contact.>":  {"contact", "sales-force-automation", "service-ticket", "marketing-campaign", "analytics", "gateway"},
	"$JS.API.CONSUMER.CREATE.EVENTS.c.evt.sales.>":    {"contact", "analytics", "gateway"},
	"$JS.API.CONSUMER.CREATE.EVENTS.c.evt.platform.>": everybody,
	"$JS.API.CONSUMER.CREATE.EVENTS.c.evt.>":          nil,
	"$JS.API.CONSUMER.CREATE.EVENTS.c":                {"contact", "analytics", "gateway"},
	"$JS.API.CONSUMER.CREATE.EVENTS":                  nil,
	"$JS.API.CONSUMER.DURABLE.CREATE.EVENTS.c":        nil,
	"$JS.API.CONSUMER.MSG.NEXT.EVENTS.c":              readers,
	"$JS.API.CONSUMER.DELETE.EVENTS.c":                readers,
	"$JS.API.CONSUMER.NAMES.EVENTS":                   nil,
	"$JS.API.CONSUMER.LIST.EVENTS":                    nil,
	"$JS.API.CONSUMER.INFO.EVENTS.c":                  nil,
	"$JS.API.CONSUMER.PAUSE.EVENTS.c":                 nil,
	"$JS.ACK.EVENTS.c.1.1.1.1.1":                      nil,
	"$SYS.REQ.SERVER.PING":                            nil,
}

// subscribers say who may listen to a subject.
var subscribers = map[string][]string{
	">":                                nil,
	"evt.>":                            nil,
	"evt.contact.>":                    nil,
	"evt.contact.0.ContactCreated":     nil,
	"_INBOX.>":                         nil,
	"_INBOX_contact.>":                 {"contact"},
	"_INBOX_sales-force-automation.>":  {"sales-force-automation"},
	"_INBOX_service-ticket.x.y":        {"service-ticket"},
	"_INBOX_marketing-campaign.>":      {"marketing-campaign"},
	"_INBOX_analytics.>":               {"analytics"},
	"_INBOX_gateway.>":                 {"gateway"},
	"_INBOX_operator.>":                nil,
	"$JS.API.>":                        nil,
	"$JS.EVENT.ADVISORY.>":             nil,
	"$SYS.>":                           nil,
	"_INBOX_contact_but_longer.answer": nil,
}

var (
	everybody = []string{"contact", "sales-force-automation", "service-ticket", "marketing-campaign", "analytics", "gateway"}
	readers   = []string{"contact", "sales-force-automation", "service-ticket", "marketing-campaign", "analytics", "gateway"}
)

// Row 33 of the reliability sheet: each user of the broker, and each subject, to
// publish and to subscribe.
func TestBroker_permissions(t *testing.T) {
	t.Parallel()
	b := testkit.StartBroker(t, wiring.Mesh)
	cells := 0
	for _, name := range append([]string{mesh.Operator}, everybody...) {
		refused := make(chan error, 1)
		conn := b.Connect(t, name, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err }))
		// allowed says whether the broker let it pass: a refusal comes before the
		// answer to the flush.
		allowed := func(do func() error) bool {
			t.Helper()
			cells++
			if err := do(); err != nil {
				t.Fatal(err)
			}
			if err := conn.FlushTimeout(5 * time.Second); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-refused:
				if !strings.Contains(strings.ToLower(err.Error()), "permissions violation") {
					t.Fatalf("%s: %v", name, err)
				}
				return false
			case <-time.After(20 * time.Millisecond):
				return true
			}
		}
		for subject, who := range publishers {
			want := name == mesh.Operator || slices.Contains(who, name)
			if got := allowed(func() error { return conn.Publish(subject, nil) }); got != want {
				t.Errorf("%s publishes on %s: allowed %v, want %v", name, subject, got, want)
			}
		}
		for subject, who := range subscribers {
			want := name == mesh.Operator || slices.Contains(who, name)
			var sub *nats.Subscription
			got := allowed(func() (err error) { sub, err = conn.SubscribeSync(subject); return err })
			if got != want {
				t.Errorf("%s subscribes to %s: allowed %v, want %v", name, subject, got, want)
			}
			if got {
				_ = sub.Unsubscribe()
			}
		}
	}
	if want := (len(publishers) + len(subscribers)) * (len(everybody) + 1); cells != want || len(everybody) != len(wiring.Mesh) {
		t.Errorf("%d cells, want %d", cells, want)
	}
}

// A service can make the stream and publish, and by no header of a message empty it
// or make it other than it is.
func TestBroker_streamIsTheOperators(t *testing.T) {
	t.Parallel()
	b := testkit.StartBroker(t, wiring.Mesh)
	js, err := jetstream.New(b.Connect(t, "contact"))
	if err != nil {
		t.Fatal(err)
	}
	stream, err := eventlog.EnsureStream(t.Context(), js)
	if err != nil {
		t.Fatal(err)
	}
	before := stream.CachedInfo().Config
	if _, err := js.Publish(t.Context(), "evt.contact.0.X", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	rollup := &nats.Msg{Subject: "evt.contact.0.X", Header: nats.Header{"Nats-Rollup": {"all"}}, Data: []byte("alone")}
	if _, err := js.PublishMsg(t.Context(), rollup); err == nil {
		t.Error("a rollup emptied the stream")
	}
	other, err := json.Marshal(map[string]any{"name": eventlog.StreamName, "subjects": []string{"evt.>"}, "max_msgs": 1, "discard": "old", "storage": "memory", "retention": "limits"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Conn().Request("$JS.API.STREAM.CREATE."+eventlog.StreamName, other, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	info, err := stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.State.Msgs != 1 || info.Config.MaxMsgs != before.MaxMsgs || info.Config.Discard != before.Discard {
		t.Errorf("the stream is now %+v with %d messages", info.Config, info.State.Msgs)
	}
	// Asking by the stream's name for a consumer of all events, with the filter of
	// one area in the subject, is refused too.
	sales, err := jetstream.New(b.Connect(t, "sales-force-automation"))
	if err != nil {
		t.Fatal(err)
	}
	wide, err := json.Marshal(map[string]any{"stream_name": eventlog.StreamName, "config": map[string]any{"name": "c", "filter_subject": "evt.>", "ack_policy": "none", "mem_storage": true, "inactive_threshold": time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := sales.Conn().Request("$JS.API.CONSUMER.CREATE."+eventlog.StreamName+".c.evt.contact.>", wide, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(answer.Data), `"error"`) {
		t.Errorf("sales follows all areas: %s", answer.Data)
	}
}

// Who is no user does not get in.
func TestBroker_knowsItsUsers(t *testing.T) {
	t.Parallel()
	ring, err := broker.NewRing(wiring.Mesh)
	if err != nil {
		t.Fatal(err)
	}
	s, err := natsserver.Start(natsserver.Options{Dir: t.TempDir(), Port: -1, Users: ring.Users})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	seed, _, err := broker.NewSeed()
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := broker.As("contact", seed)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := ring.As("contact")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		options []nats.Option
		want    error
	}{"a stranger": {stranger, nats.ErrAuthorization}, "nobody": {nil, nats.ErrAuthorization}, "contact": {ours, nil}} {
		conn, err := nats.Connect(s.URL(), append(c.options, nats.RetryOnFailedConnect(false))...)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
		if err == nil {
			conn.Close()
		}
	}
}
