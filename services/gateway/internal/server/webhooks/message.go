package webhooks

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/disclosure"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/store"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/webhook"
)

// message is what is sent, or why nothing is.
type message struct {
	id, body string
	secrets  [][]byte
	blocked  string
}

// payload is the body of a message (Standard Webhooks, "Payload structure").
type payload struct {
	Type      string          `json:"type"`
	Timestamp string          `json:"timestamp"`
	Data      json.RawMessage `json:"data"`
}

// message asks whether the event may leave, and words what may.
func (d *Dispatcher) message(ctx context.Context, e *webhook.Endpoint, c store.ClaimedDelivery) (m message, err error) {
	event := &eventv1.Event{}
	if err := proto.Unmarshal(c.Event, event); err != nil {
		return m, err
	}
	if m.secrets, err = d.opened(e); err != nil {
		return m, err
	}
	own, err := d.As(ctx, c.Tenant)
	if err != nil {
		return m, err
	}
	out := disclosure.Output{
		Decides: d.Decides, Name: Collection + "/" + e.ID.String(),
		To: disclosure.Recipient{Class: contactv1.RecipientClass(e.Class), Name: e.Recipient},
	}
	cleared, err := out.ScreenEvent(own, d.Keys, event)
	if err != nil {
		return m, err
	}
	m.id = c.EventID.String()
	if cleared.Event() == nil {
		m.blocked = strings.TrimPrefix(cleared.Reason().String(), "WITHHOLD_REASON_")
		return m, nil
	}
	m.body, err = d.word(ctx, cleared, c)
	return m, err
}

// word writes what may leave of an event as JSON. Of a field that a rule keeps from
// somebody a receiver outside is somebody.
func (d *Dispatcher) word(ctx context.Context, cleared disclosure.ClearedEvent, c store.ClaimedDelivery) (string, error) {
	event := cleared.Event()
	policy, err := d.Fields.Of(ctx, c.Tenant)
	if err != nil {
		return "", err
	}
	policy.Hide(auth.Caller{Tenant: c.Tenant}, event)
	event.Traceparent = ""
	data, err := protojson.Marshal(event)
	if err != nil {
		return "", err
	}
	var compact bytes.Buffer // protojson varies its spaces
	if err := json.Compact(&compact, data); err != nil {
		return "", err
	}
	body, err := json.Marshal(payload{
		Type: event.GetType(), Timestamp: event.GetOccurredAt().AsTime().Format(time.RFC3339Nano), Data: compact.Bytes(),
	})
	return string(body), err
}
