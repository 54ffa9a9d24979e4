package eventlog_test

import (
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/natsserver"
)

// A broker that stops and comes back holds nothing up but the broker's own
// speed: projections read the log meanwhile, and nothing is lost or doubled (F05).
func TestRunner_withoutABroker(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	dir := t.TempDir()
	broker, err := natsserver.Start(natsserver.Options{Dir: dir, Port: -1})
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(broker.URL())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(address.Port())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect(broker.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	b.nats = conn
	relay := b.relay()
	b.log.Wake = relay.Wake
	start(t, relay.Run)
	start(t, b.runner(see("p")).Run)
	b.churn(10)
	b.sees("p")

	if err := broker.Close(); err != nil {
		t.Fatal(err)
	}
	b.churn(20)
	b.sees("p")

	broker, err = natsserver.Start(natsserver.Options{Dir: dir, Port: port})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { broker.Close() })
	b.churn(20)
	b.sees("p")
	eventually(t, "all are published", func() bool {
		return b.count("SELECT sum(seq - published) FROM partition_head") == 0
	})
}

// The settings that make the broker safe to lose and safe to keep. A service makes
// the stream and leaves one that exists as it is; the operator brings it to them.
func TestStream(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	service, err := jetstream.New(b.nats)
	if err != nil {
		t.Fatal(err)
	}
	operator, err := jetstream.New(b.admin)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := eventlog.EnsureStream(t.Context(), service)
	if err != nil {
		t.Fatal(err)
	}
	settled := stream.CachedInfo().Config
	if settled.Storage != jetstream.FileStorage || settled.Discard != jetstream.DiscardNew || !settled.DenyDelete || !settled.AllowAtomicPublish ||
		settled.MaxAge < 14*24*time.Hour || settled.MaxMsgSize < eventlog.MaxEventBytes {
		t.Errorf("settings %+v", settled)
	}
	older := settled
	older.MaxAge = time.Hour
	if _, err := operator.UpdateStream(t.Context(), older); err != nil {
		t.Fatal(err)
	}
	if stream, err = eventlog.EnsureStream(t.Context(), service); err != nil || stream.CachedInfo().Config.MaxAge != time.Hour {
		t.Errorf("a service found the stream %v, %v", stream, err)
	}
	if stream, err = eventlog.UpdateStream(t.Context(), operator); err != nil || stream.CachedInfo().Config.MaxAge != settled.MaxAge {
		t.Errorf("the operator left the stream at %v, %v", stream, err)
	}
}
