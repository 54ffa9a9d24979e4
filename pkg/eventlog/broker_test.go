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

// The settings that make the broker safe to lose and safe to keep.
func TestEnsureStream(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	js, err := jetstream.New(b.nats)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		stream, err := eventlog.EnsureStream(t.Context(), js)
		if err != nil {
			t.Fatal(err)
		}
		c := stream.CachedInfo().Config
		if c.Storage != jetstream.FileStorage || c.Discard != jetstream.DiscardNew || !c.DenyDelete || !c.AllowAtomicPublish ||
			c.MaxAge < 14*24*time.Hour || c.MaxMsgSize < eventlog.MaxEventBytes {
			t.Errorf("settings %+v", c)
		}
	}
}
