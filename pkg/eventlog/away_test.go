package eventlog_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/natsserver"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// Readers of the log are told UNAVAILABLE while its database is away, never
// INTERNAL (F09).
func TestReader_databaseAway(t *testing.T) {
	t.Parallel()
	db, err := pgxpool.New(t.Context(), "postgres://nobody@127.0.0.1:1/none?connect_timeout=1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	reader := &eventlog.Reader{DB: db}
	runner := &eventlog.Runner{DB: db, Sources: map[string]eventlog.Source{area: ahead{}}}
	calls := map[string]func() error{
		"ReadEvents": func() error {
			_, err := reader.ReadEvents(t.Context(), &eventv1.ReadEventsRequest{})
			return err
		},
		"GetLogHeads": func() error {
			_, err := reader.GetLogHeads(t.Context(), &eventv1.GetLogHeadsRequest{})
			return err
		},
		"GetLogHeads of a position": func() error {
			_, err := reader.GetLogHeads(t.Context(), &eventv1.GetLogHeadsRequest{MinPosition: eventlog.Token(area, 7)})
			return err
		},
		"WaitFor": func() error { return runner.WaitFor(t.Context(), eventlog.Token(area, 7)) },
	}
	for name, call := range calls {
		if err := call(); errs.Code(err) != codes.Unavailable {
			t.Errorf("%s answers %v: %v", name, errs.Code(err), err)
		}
	}
}

// ahead is a source whose log holds an event.
type ahead struct{ eventlog.Source }

// GetLogHeads implements eventlog.Source.
func (ahead) GetLogHeads(context.Context, *eventv1.GetLogHeadsRequest) (*eventv1.LogHeads, error) {
	return &eventv1.LogHeads{Heads: []*eventv1.LogHead{{Partition: 3, Position: 1}}}, nil
}

// shy is a source that stops answering.
type shy struct {
	eventlog.Source
	silent atomic.Bool
	asked  atomic.Int32
}

// GetLogHeads implements eventlog.Source.
func (s *shy) GetLogHeads(ctx context.Context, req *eventv1.GetLogHeadsRequest) (*eventv1.LogHeads, error) {
	if s.silent.Load() {
		s.asked.Add(1)
		return nil, errors.New("away")
	}
	return s.Source.GetLogHeads(ctx, req)
}

// While a source cannot be asked, events that come through the broker meanwhile
// are no sign of a log that was restored from a backup (F13).
func TestRunner_sourceAwayIsNoRestore(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	relay := b.relay()
	b.log.Wake = relay.Wake
	start(t, relay.Run)
	var logged buffer
	source := &shy{Source: &eventlog.Reader{DB: b.db.System}}
	runner := b.runner(see("p"))
	runner.Logger = slog.New(slog.NewTextHandler(&logged, nil))
	runner.Sources = map[string]eventlog.Source{area: source}
	start(t, runner.Run)
	tenant, contact := uuid.New(), uuid.New()
	b.write(t.Context(), tenant, contact, 3)
	b.sees("p")
	source.silent.Store(true)
	b.write(t.Context(), tenant, contact, 3)
	b.sees("p")
	if err := b.nats.Publish("evt."+area+".3.Garbage", []byte{0xff}); err != nil { // makes the session start anew
		t.Fatal(err)
	}
	eventually(t, "the source was asked in vain", func() bool { return source.asked.Load() > 0 })
	b.write(t.Context(), tenant, contact, 3)
	source.silent.Store(false)
	b.sees("p")
	if strings.Contains(logged.String(), "ahead of the log") {
		t.Errorf("a false alarm:\n%s", logged.String())
	}
}

// line is the way to a broker, which can be cut.
type line struct {
	mu   sync.Mutex
	cut  bool
	conn net.Conn
}

// Dial implements nats.CustomDialer.
func (l *line) Dial(network, address string) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		return nil, errors.New("cut")
	}
	var err error
	l.conn, err = net.Dial(network, address)
	return l.conn, err
}

// sever cuts the line, as kill -9 of the broker does: nobody says goodbye.
func (l *line) sever() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = true
	l.conn.Close()
}

// A projection that loses the broker reads the log itself at once, and not only
// when it compares positions the next time: views would be ten seconds behind (F05).
func TestRunner_brokerLost(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	broker, err := natsserver.Start(natsserver.Options{Dir: t.TempDir(), Port: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { broker.Close() })
	var way line
	b.nats, err = nats.Connect(broker.URL(), nats.SetCustomDialer(&way), nats.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.nats.Close)
	relay := b.relay()
	b.log.Wake = relay.Wake
	start(t, relay.Run)
	var logged buffer
	runner := b.runner(see("p"))
	runner.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	start(t, runner.Run)
	b.churn(10)
	b.sees("p")
	way.sever()
	eventually(t, "the projection turns to the log itself", func() bool { return strings.Contains(logged.String(), "starts anew") })
	b.churn(10)
	b.sees("p")
}

// buffer takes what is logged.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String answers what was logged.
func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
