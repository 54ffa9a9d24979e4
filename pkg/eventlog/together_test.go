package eventlog_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// Parts of one projection each see every event once and in order, and an event that one
// of them cannot apply takes effect in none of them until all can.
func TestTogether(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	relay := b.relay()
	b.log.Wake = relay.Wake
	start(t, relay.Run)
	tenant, victim := uuid.New(), uuid.New()
	p := &poisoned{aggregate: "contacts/" + victim.String(), seq: 2, fail: func(context.Context, pgx.Tx) error { return errors.New("cannot be applied") }}
	runner := b.runner(eventlog.Together("both", see("first"), p.projection()))
	start(t, runner.Run)

	b.write(t.Context(), tenant, victim, 3)
	b.churn(20)
	eventually(t, "all but two are applied by both", func() bool {
		return b.count("SELECT count(*) FROM seen") == 2*(b.written()-2) && b.count("SELECT count(*) FROM parked_event") == 2
	})
	p.cured.Store(true)
	id := uuid.MustParse(b.parked(runner)[0].Event.GetId())
	if n, err := unpark(t.Context(), runner, func(tx pgx.Tx) (int, error, error) { return runner.RetryParked(t.Context(), tx, id) }); n != 2 || err != nil {
		t.Errorf("retrying after the cure: %d, %v", n, err)
	}
	b.seesAggregates("first")
	b.seesAggregates("p")
}

// A part hears nothing of areas that it did not ask for.
func TestTogether_areas(t *testing.T) {
	t.Parallel()
	heard := map[string][]string{}
	hears := func(name string, areas ...string) eventlog.Projection {
		return eventlog.Projection{Name: name, Areas: areas, Personal: eventlog.Unread, Apply: func(_ context.Context, _ pgx.Tx, events []*eventv1.Event) error {
			for _, e := range events {
				heard[name] = append(heard[name], e.GetArea())
			}
			return nil
		}}
	}
	whole := eventlog.Together("all", hears("contacts", "contact"), hears("both", "platform", "contact"), hears("sales", "sales"))
	if err := whole.Apply(t.Context(), nil, []*eventv1.Event{{Area: "contact"}, {Area: "platform"}, {Area: "contact"}}); err != nil {
		t.Fatal(err)
	}
	if len(whole.Areas) != 3 || len(heard["contacts"]) != 2 || len(heard["both"]) != 3 || len(heard["sales"]) != 0 {
		t.Errorf("areas %v, heard %v", whole.Areas, heard)
	}
}

// Parts that read personal fields in two ways are a mistake of who put them together.
func TestTogether_personal(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("one part gets what the other leaves sealed")
		}
	}()
	eventlog.Together("both", eventlog.Projection{Personal: eventlog.Unsealed}, eventlog.Projection{Personal: eventlog.Sealed})
}
