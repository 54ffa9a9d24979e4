package workload

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

const (
	probePause   = 150 * time.Millisecond
	probePatient = time.Second
)

// Probe writes and reads its own write again and again, so as to know when the
// suite is well: an interaction is recorded and seen in the 360-degree view within
// a second.
type Probe struct {
	cancel context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	passed []time.Time // when a round began that passed
	failed time.Time   // when the last round began that did not
}

// StartProbe starts a probe through the doors of a tenant.
func StartProbe(ctx context.Context, d Doors) (*Probe, error) {
	made, err := contactv1.NewContactServiceClient(d.GRPC).CreateContact(ctx, &contactv1.CreateContactRequest{
		Contact: &contactv1.Contact{Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: "The probe"},
	})
	if err != nil {
		return nil, err
	}
	p := &Probe{done: make(chan struct{})}
	ctx, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go p.run(ctx, d, made.GetName())
	return p, nil
}

func (p *Probe) run(ctx context.Context, d Doors, contact string) {
	defer close(p.done)
	for n := 0; ctx.Err() == nil; n++ {
		begun := time.Now()
		passes := round(ctx, d, contact, fmt.Sprintf("probe %d", n))
		p.mu.Lock()
		if passes {
			p.passed = append(p.passed, begun)
		} else {
			p.failed = begun
		}
		p.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(probePause):
		}
	}
}

// round says whether a write was seen within a second.
func round(ctx context.Context, d Doors, contact, title string) bool {
	ctx, cancel := context.WithTimeout(ctx, probePatient)
	defer cancel()
	_, position, err := d.invoke(ctx, false, contactv1.InteractionService_RecordInteraction_FullMethodName, &contactv1.RecordInteractionRequest{
		Interaction: &contactv1.Interaction{
			Contact: contact, Channel: eventv1.Channel_CHANNEL_OTHER, Direction: eventv1.Direction_DIRECTION_INBOUND, Title: title,
		},
	})
	if err != nil {
		return false
	}
	answer, _, err := d.invoke(ctx, false, analyticsv1.CustomerViewService_GetCustomerView_FullMethodName, &analyticsv1.GetCustomerViewRequest{
		Name: strings.Replace(contact, "contacts/", "customers/", 1), MinPosition: position, PageSize: 3,
	})
	if err != nil {
		return false
	}
	for _, e := range answer.(*analyticsv1.CustomerView).GetTimeline() {
		if e.GetTitle() == title {
			return true
		}
	}
	return false
}

// After answers how long after an instant the first round began that passed, and
// whether there was one before the end.
func (p *Probe) After(instant, end time.Time) (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.passed {
		if !t.Before(instant) {
			return t.Sub(instant), t.Before(end)
		}
	}
	return 0, false
}

// Rounds is how many rounds since an instant have passed one after the other, up
// to now.
func (p *Probe) Rounds(since time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, t := range p.passed {
		if !t.Before(since) && t.After(p.failed) {
			n++
		}
	}
	return n
}

// Stop ends the probe.
func (p *Probe) Stop() {
	p.cancel()
	<-p.done
}
