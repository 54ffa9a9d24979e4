package check

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/ledger"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/receiver"
)

const (
	// retried is how long a delivery may wait for its next attempt once all is healed: a
	// minute where the process that made the last one ended, and half a minute where it
	// could not be asked whether the event may leave.
	retried = 100 * time.Second
	// wanted are the events that an endpoint is to get, with their places.
	wanted = `
		SELECT l.event, o.seq
		FROM event_log l JOIN event_order o ON o.position = l.position AND o.recorded_at = l.recorded_at
		WHERE l.tenant = $1 AND l.type = ANY ($2) AND l.recorded_at >= $3`
	// deliveriesOf are what the gateway says of events on their way to a tenant.
	deliveriesOf = `
		SELECT event::text, (ARRAY['pending', 'delivered', 'failed', 'blocked'])[state], tries, coalesce(next_attempt_time::text, 'never')
		FROM webhook_delivery WHERE tenant = $1`
)

// delivery is what the gateway says of an event on its way.
type delivery struct {
	state string
	tries int
	next  string
}

// String words it for a report.
func (d delivery) String() string {
	if d.state == "" {
		return "no delivery was made of it"
	}
	return fmt.Sprintf("its delivery is %s after %d attempts, the next is due: %s", d.state, d.tries, d.next)
}

// webhooks checks that every event of the types that the tenants' endpoints name was
// accepted by their receiver, as the log has it, and that nothing else came (I16).
func (r *Run) webhooks(ctx context.Context) Result {
	result := Result{ID: "I16", Title: "every event that a webhook is for was accepted by its receiver, as the log has it"}
	titles := r.titles()
	events, again := 0, 0
	for _, inbox := range r.Receiver.Inboxes() {
		want, err := r.wantedBy(ctx, inbox)
		if err != nil {
			result.breach("the logs cannot be read: %v", err)
			continue
		}
		if _, err := Drain(ctx, r.Cluster, r.Patience); err != nil {
			result.breach("%v", err)
		}
		events += len(want)
		accepted, deliveries, err := r.arrived(ctx, inbox, want)
		if err != nil {
			result.breach("the deliveries cannot be read: %v", err)
		}
		for id, e := range want {
			if len(accepted[id]) == 0 {
				result.breach("%s %s of %s was never accepted: %s", e.GetType(), id, inbox.Tenant, deliveries[id])
			}
		}
		for id, came := range accepted {
			again += len(came) - 1
			for _, got := range came {
				compareSent(&result, want[id], got, titles)
			}
		}
	}
	for _, wrong := range r.Receiver.Wrong() {
		result.breach("%s", wrong)
	}
	counts := r.Receiver.Counts()
	result.Evidence = fmt.Sprintf("%d events, %d of them sent again after they were accepted; of %d other calls %d were refused, %d hung and %d were cut off",
		events, again, counts.Refused+counts.Hung+counts.Cut, counts.Refused, counts.Hung, counts.Cut)
	return result
}

// titles are those of the interactions that callers were told of, by their names, less
// those of people who may be erased.
func (r *Run) titles() map[string]string {
	titles := map[string]string{}
	for _, op := range r.Ops {
		if op.Method == interactionMethod && op.Outcome == ledger.OK && op.Family == "" {
			told := op.Answer.(*contactv1.Interaction)
			titles[told.GetName()] = told.GetTitle()
		}
	}
	return titles
}

// wantedBy reads the events of a tenant that its endpoint is to get, from the logs of all
// services, by their ids.
func (r *Run) wantedBy(ctx context.Context, inbox *receiver.Inbox) (map[string]*eventv1.Event, error) {
	want := map[string]*eventv1.Event{}
	for _, area := range areas() {
		err := with(ctx, r.Cluster, fleet.Database(area), func(conn *pgx.Conn) error {
			rows, err := conn.Query(ctx, wanted, strings.TrimPrefix(inbox.Tenant, "tenants/"), receiver.Types, inbox.Since)
			if err != nil {
				return err
			}
			var body []byte
			var place int64
			_, err = pgx.ForEachRow(rows, []any{&body, &place}, func() error {
				e := &eventv1.Event{}
				if err := proto.Unmarshal(body, e); err != nil {
					return err
				}
				e.Position = place
				want[e.GetId()] = e
				return nil
			})
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", area, err)
		}
	}
	return want, nil
}

// arrived waits until no event that is wanted and was not accepted waits for an attempt,
// for as long as that may take, and answers what was accepted.
func (r *Run) arrived(ctx context.Context, inbox *receiver.Inbox, want map[string]*eventv1.Event) (map[string][]*eventv1.Event, map[string]delivery, error) {
	for begun := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		deliveries, err := r.deliveries(ctx, inbox) // first: what is delivered by now was accepted before
		accepted := r.Receiver.Accepted(inbox)
		waiting := false
		for id := range want {
			waiting = waiting || len(accepted[id]) == 0 && deliveries[id].state == "pending"
		}
		if err != nil || !waiting || time.Since(begun) > retried || ctx.Err() != nil {
			return accepted, deliveries, err
		}
	}
}

// deliveries answers what the gateway says of the events on their way to a tenant.
func (r *Run) deliveries(ctx context.Context, inbox *receiver.Inbox) (map[string]delivery, error) {
	all := map[string]delivery{}
	err := with(ctx, r.Cluster, fleet.Database("platform"), func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, deliveriesOf, strings.TrimPrefix(inbox.Tenant, "tenants/"))
		if err != nil {
			return err
		}
		var id string
		var d delivery
		_, err = pgx.ForEachRow(rows, []any{&id, &d.state, &d.tries, &d.next}, func() error {
			all[id] = d
			return nil
		})
		return err
	})
	return all, err
}

// compareSent compares what was sent of an event with what the log has; want is nil where
// it has none. What is personal lies sealed in the log: of that the titles of interactions
// are compared with what callers were told.
func compareSent(result *Result, want, got *eventv1.Event, titles map[string]string) {
	if want == nil {
		result.breach("%s %s of %s was sent and is not in the log, or was recorded before there was an endpoint", got.GetType(), got.GetId(), got.GetTenant())
		return
	}
	if told, known := titles[got.GetAggregate()]; known && got.GetInteraction().GetTitle() != told {
		result.breach("%s was sent with the title %q and is %q", got.GetAggregate(), got.GetInteraction().GetTitle(), told)
	}
	logged, err := impersonal(want)
	if err != nil {
		result.breach("event %s of the log cannot be read: %v", want.GetId(), err)
		return
	}
	sent, err := impersonal(got)
	if err != nil {
		result.breach("event %s, as it was sent, cannot be read: %v", got.GetId(), err)
		return
	}
	for i := range logged {
		if !proto.Equal(logged[i], sent[i]) {
			result.breach("event %s was sent as\n%v\nand is\n%v", got.GetId(), sent[i], logged[i])
		}
	}
}

// impersonal answers an event and its payload without what is personal, sealed or only of
// use inside.
func impersonal(e *eventv1.Event) ([2]proto.Message, error) {
	payload, err := e.GetPayload().UnmarshalNew()
	if err != nil {
		return [2]proto.Message{}, err
	}
	clearPersonal(payload.ProtoReflect())
	envelope := proto.CloneOf(e)
	envelope.Payload, envelope.Sealed, envelope.Traceparent = nil, nil, ""
	clearPersonal(envelope.ProtoReflect())
	return [2]proto.Message{envelope, payload}, nil
}

// clearPersonal empties the fields that bear the mark, also those of messages within.
func clearPersonal(m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case proto.GetExtension(f.Options(), eventv1.E_Personal).(bool):
			m.Clear(f)
		case f.Message() != nil && !f.IsList() && !f.IsMap():
			clearPersonal(v.Message())
		}
		return true
	})
}
