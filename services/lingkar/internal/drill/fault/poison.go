package fault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/nemesis"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/workload"
)

// poison lets an event of a contact violate a constraint of the view's store. It is to be
// put aside, with the contact's later events waiting behind it, while those of all others
// flow, which the callers see; and once the cause is gone an operator's retry is to bring
// them in, in their order. The contact is the fault's own.
type poison struct {
	tenant  workload.Tenant
	contact string
	// said are the titles of what was said to the contact, in its order.
	said []string
	// failed is why not all of it was put aside.
	failed error
}

const (
	// poisoned is how many things are said to the contact, of which the first violates
	// the constraint.
	poisoned = 3
	// poisonTime bounds each step of the fault.
	poisonTime = 30 * time.Second

	analyticsArea = "analytics"
	noPoison      = "ALTER TABLE timeline DROP CONSTRAINT IF EXISTS drill_poison"
)

// ID implements nemesis.Fault.
func (*poison) ID() string { return "F28c" }

// Title implements nemesis.Fault.
func (*poison) Title() string { return "an event of a contact violates a constraint of the views" }

// Lone implements nemesis.Lone: it makes calls that are to succeed.
func (*poison) Lone() {}

// CallAs says as whom it makes its calls.
func (p *poison) CallAs(t workload.Tenant) { p.tenant = t }

// Inject implements nemesis.Fault.
func (p *poison) Inject(ctx context.Context, c *cluster.Cluster) error {
	p.contact, p.said, p.failed = "", nil, nil
	ctx, cancel := context.WithTimeout(ctx, poisonTime)
	defer cancel()
	doors, err := workload.Open(c, p.tenant)
	if err != nil {
		return err
	}
	defer doors.GRPC.Close()
	create := &contactv1.CreateContactRequest{
		Contact: &contactv1.Contact{Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: "Poison"}, AllowDuplicates: true, RequestId: uuid.NewString(),
	}
	err = again(ctx, func() error {
		made, err := contactv1.NewContactServiceClient(doors.GRPC).CreateContact(ctx, create)
		p.contact = made.GetName()
		return err
	})
	if err != nil {
		return err
	}
	first := time.Now().UTC().Truncate(time.Microsecond)
	if err := insist(ctx, c, analyticsArea, noPoison, fmt.Sprintf(
		"ALTER TABLE timeline ADD CONSTRAINT drill_poison CHECK (contact <> '%s' OR occurred_at <> '%s') NOT VALID",
		strings.TrimPrefix(p.contact, "contacts/"), first.Format(time.RFC3339Nano))); err != nil {
		return err
	}
	for n := range poisoned {
		if err := p.say(ctx, doors, fmt.Sprintf("poison %d", n+1), first.Add(time.Duration(n)*time.Second)); err != nil {
			return err
		}
	}
	p.failed = again(ctx, func() error {
		aside, err := p.aside(ctx, doors)
		if err != nil {
			return err
		}
		waiting := 0
		for _, d := range aside[min(1, len(aside)):] {
			if strings.HasPrefix(d.GetEvent().GetAggregate(), "interactions/") && d.GetCause() == "" {
				waiting++
			}
		}
		if waiting != poisoned-1 || aside[0].GetCause() == "" {
			return fmt.Errorf("behind the first event, which violates a constraint, %d of %d wait", waiting, poisoned-1)
		}
		return nil
	})
	return nil
}

func (p *poison) say(ctx context.Context, doors workload.Doors, title string, at time.Time) error {
	req := &contactv1.RecordInteractionRequest{RequestId: uuid.NewString(), Interaction: &contactv1.Interaction{
		Contact: p.contact, Channel: eventv1.Channel_CHANNEL_PHONE, Direction: eventv1.Direction_DIRECTION_INBOUND, Title: title, OccurredAt: timestamppb.New(at),
	}}
	err := again(ctx, func() error {
		_, err := contactv1.NewInteractionServiceClient(doors.GRPC).RecordInteraction(ctx, req)
		return err
	})
	if err == nil {
		p.said = append(p.said, title)
	}
	return err
}

// aside answers the contact's events that were put aside, in the order in which they are
// to be applied.
func (p *poison) aside(ctx context.Context, doors workload.Doors) ([]*analyticsv1.DeadLetter, error) {
	var own []*analyticsv1.DeadLetter
	for req := (&analyticsv1.ListDeadLettersRequest{PageSize: 1000}); ; {
		page, err := analyticsv1.NewEventStoreServiceClient(doors.GRPC).ListDeadLetters(ctx, req)
		if err != nil {
			return nil, err
		}
		for _, d := range page.GetDeadLetters() {
			if slices.Contains(d.GetEvent().GetContacts(), p.contact) {
				own = append(own, d)
			}
		}
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			return own, nil
		}
	}
}

// Heal implements nemesis.Fault.
func (p *poison) Heal(ctx context.Context, c *cluster.Cluster) error {
	return insist(ctx, c, analyticsArea, noPoison)
}

// Verify implements nemesis.Verifier.
func (p *poison) Verify(ctx context.Context, c *cluster.Cluster) error {
	if len(p.said) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, poisonTime)
	defer cancel()
	doors, err := workload.Open(c, p.tenant)
	if err != nil {
		return err
	}
	defer doors.GRPC.Close()
	err = again(ctx, func() error { return p.retry(ctx, doors) })
	if err == nil {
		err = again(ctx, func() error { return p.inOrder(ctx, doors) })
	}
	return errors.Join(p.failed, err)
}

// Invariant implements nemesis.Verifier.
func (*poison) Invariant() (id, title string) {
	return "F28c", "what cannot be applied is put aside with what follows of its contact, and comes in by a retry, in its order"
}

// retry does what an operator would: it retries each event that was put aside for a
// cause of its own, until none is.
func (p *poison) retry(ctx context.Context, doors workload.Doors) error {
	aside, err := p.aside(ctx, doors)
	if err != nil {
		return err
	}
	for _, d := range aside {
		if d.GetCause() == "" {
			continue
		}
		_, err := analyticsv1.NewEventStoreServiceClient(doors.GRPC).RetryDeadLetter(ctx, &analyticsv1.RetryDeadLetterRequest{Name: d.GetName(), RequestId: uuid.NewString()})
		if err != nil {
			return err
		}
	}
	if aside, err = p.aside(ctx, doors); err == nil && len(aside) > 0 {
		err = fmt.Errorf("%d events are aside still, the first because of %q", len(aside), aside[0].GetCause())
	}
	return err
}

// inOrder compares the contact's timeline with what was said.
func (p *poison) inOrder(ctx context.Context, doors workload.Doors) error {
	page, err := analyticsv1.NewCustomerViewServiceClient(doors.GRPC).ListTimeline(ctx, &analyticsv1.ListTimelineRequest{
		Parent: strings.Replace(p.contact, "contacts/", "customers/", 1), PageSize: 100,
	})
	if err != nil {
		return err
	}
	var titles []string
	for _, e := range page.GetTimeline() {
		if strings.HasPrefix(e.GetResource(), "interactions/") {
			titles = append(titles, e.GetTitle())
		}
	}
	if slices.Reverse(titles); !slices.Equal(titles, p.said) { // the newest comes first
		return fmt.Errorf("%s was told %q, and its timeline has %q", p.contact, p.said, titles)
	}
	return nil
}

// again does something until it succeeds or time is up, and answers how it failed last.
func again(ctx context.Context, do func() error) error {
	for {
		err := do()
		if err == nil {
			return nil
		}
		if sleep(ctx, 200*time.Millisecond); ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
	}
}

var _ nemesis.Verifier = (*poison)(nil)
