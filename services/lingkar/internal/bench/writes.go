package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/bench/limit"
)

// The round trips that writes may need: a new row, and a change by a rule, where
// the goal is changeTripsGoal.
const (
	writeTrips      = 1
	changeTrips     = 3
	changeTripsGoal = 2
)

// phoneNumbers is how many numbers there are below the prefix of fresh contacts.
const phoneNumbers = 1_000_000_000

// lastPhone is the number of the last fresh contact. It begins anywhere and counts, as
// two of one name and one number would be duplicates, which are refused.
var lastPhone atomic.Int64

func init() { lastPhone.Store(rand.Int64N(phoneNumbers)) }

// fresh is a contact with an e-mail address and a phone number.
func fresh() *contactv1.Contact {
	id := uuid.New()
	return &contactv1.Contact{
		Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, GivenName: "Siti", FamilyName: "Rahayu", LanguageCode: "id", RegionCode: "ID", Source: "web",
		Identifiers: []*contactv1.Identifier{
			{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_EMAIL, Value: id.String()[:18] + "@example.com", Primary: true},
			{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_PHONE, Value: fmt.Sprintf("+62812%09d", lastPhone.Add(1)%phoneNumbers), Label: "mobile"},
		},
	}
}

func (b *bench) create(ctx context.Context) (*contactv1.Contact, error) {
	return contactv1.NewContactServiceClient(b.conn).CreateContact(ctx, &contactv1.CreateContactRequest{Contact: fresh(), RequestId: uuid.NewString()})
}

// asked is an interaction with a contact.
func asked(contact string) *contactv1.RecordInteractionRequest {
	return &contactv1.RecordInteractionRequest{
		Interaction: &contactv1.Interaction{
			Contact: contact, Channel: eventv1.Channel_CHANNEL_PHONE, Direction: eventv1.Direction_DIRECTION_INBOUND,
			Title: "Asked about delivery", Body: "The parcel had not come after three days.", OccurredAt: timestamppb.Now(),
		},
		RequestId: uuid.NewString(),
	}
}

func (b *bench) record(ctx context.Context, contact string) (*contactv1.Interaction, error) {
	return contactv1.NewInteractionServiceClient(b.conn).RecordInteraction(ctx, asked(contact))
}

// writes opens the limit of writes with samples of what the suite just wrote.
func (b *bench) writes(ctx context.Context) (*limit.Writes, error) {
	c, err := b.create(ctx)
	if err != nil {
		return nil, err
	}
	i, err := b.record(ctx, c.GetName())
	if err != nil {
		return nil, err
	}
	w, err := limit.Open(ctx, b.adminURL("postgres"), b.adminURL(contactDatabase), int32(b.Clients))
	if err != nil {
		return nil, err
	}
	for _, made := range []struct{ call, name string }{{"create", c.GetName()}, {"record", i.GetName()}} {
		err := w.Sample(ctx, b.admin[contactDatabase], made.call, sampleOf(made.call, made.name))
		if err == nil {
			err = w.Call(ctx, made.call)
		}
		if err != nil {
			w.Close()
			return nil, fmt.Errorf("the limit of %s: %w", made.call, err)
		}
	}
	return w, nil
}

// sampleOf says which rows a call wrote that made a resource.
func sampleOf(call, name string) map[string]string {
	id := name[len(name)-36:]
	where := map[string]string{
		"event_log":   fmt.Sprintf("aggregate = '%s'", name),
		"audit":       fmt.Sprintf("resource = '%s'", name),
		"idempotency": fmt.Sprintf("create_time = (SELECT max(create_time) FROM idempotency WHERE method LIKE '%%%s')", map[string]string{"create": "CreateContact", "record": "RecordInteraction"}[call]),
	}
	if call == "create" {
		where["contact"], where["identifier"], where["blocking_key"] = "id = '"+id+"'", "contact = '"+id+"'", "contact = '"+id+"'"
	} else {
		where["interaction"] = "id = '" + id + "'"
	}
	return where
}

func create(ctx context.Context, b *bench) (*Row, error) {
	return b.write(ctx, "create", "create contact", workload{contactv1.ContactService_CreateContact_FullMethodName, func(ctx context.Context, _ int) error {
		_, err := b.create(ctx)
		return err
	}}, func(ctx context.Context, bare *limit.Bare) error {
		_, err := contactv1.NewContactServiceClient(bare).CreateContact(ctx, &contactv1.CreateContactRequest{Contact: fresh(), RequestId: uuid.NewString()})
		return err
	})
}

func record(ctx context.Context, b *bench) (*Row, error) {
	return b.write(ctx, "record", "record interaction", workload{contactv1.InteractionService_RecordInteraction_FullMethodName, func(ctx context.Context, n int) error {
		_, err := b.record(ctx, b.contact(n))
		return err
	}}, func(ctx context.Context, bare *limit.Bare) error {
		_, err := contactv1.NewInteractionServiceClient(bare).RecordInteraction(ctx, asked(b.contact(0)))
		return err
	})
}

// writeCPU is how many milliseconds of processor a write may take at first.
const writeCPU = 1.3

// write measures a call that writes beside its limits: pgbench where it is
// installed, else the first of the others.
func (b *bench) write(ctx context.Context, name, what string, own workload, bareCall func(context.Context, *limit.Bare) error) (*Row, error) {
	w, err := b.writes(ctx)
	if err != nil {
		return nil, err
	}
	row, err := b.besideWrites(ctx, w, name, own, bareCall)
	if err == nil {
		err = b.alone(ctx, row, func() (*Row, error) { return b.sideBySide(ctx, b.Clients, own) })
	}
	w.Close()
	if dropped := limit.Drop(context.WithoutCancel(ctx), b.adminURL("postgres")); err == nil {
		err = dropped
	}
	if err != nil {
		return nil, err
	}
	return row.aim(fmt.Sprintf("%s, %d clients", what, b.Clients), fmt.Sprintf("alone: 0.30; %.2f ms CPU; 1 round trip", writeCPU), "0.50; 0.70 ms CPU",
		row.AloneRatio >= 0.30 && row.Alone.total() <= writeCPU && within(row, writeTrips)), nil
}

// alone measures a write without what follows it: the relay is held, so that nothing is
// published and no projection has anything to do. The targets are of this: the limit
// writes the same rows and publishes nothing, and what follows has rows of its own.
func (b *bench) alone(ctx context.Context, row *Row, measure func() (*Row, error)) error {
	if err := b.settle(ctx); err != nil {
		return err
	}
	release, err := b.holdRelay(ctx)
	if err != nil {
		return err
	}
	defer release()
	own, err := measure()
	if err != nil {
		return err
	}
	row.alone(own, "the relay")
	if err := release(); err != nil {
		return err
	}
	return b.settle(ctx)
}

func (b *bench) besideWrites(ctx context.Context, w *limit.Writes, name string, own workload, bareCall func(context.Context, *limit.Bare) error) (*Row, error) {
	bare, err := w.Serve()
	if err != nil {
		return nil, err
	}
	defer bare.Close()
	limits := []against{
		b.loop("one function writing the same rows, by pgx", b.Clients, func(ctx context.Context, _ int) error { return w.Call(ctx, name) }),
		b.loop("the same function behind a bare gRPC server", b.Clients, func(ctx context.Context, _ int) error { return bareCall(ctx, bare) }),
	}
	if program := limit.FindPgbench(ctx); program != "" {
		limits = append([]against{{
			what:  fmt.Sprintf("pgbench calling one function that writes the same rows, %d connections", b.Clients),
			round: func(ctx context.Context) (float64, error) { return w.Pgbench(ctx, program, name, b.Clients, b.Round) },
		}}, limits...)
	}
	return b.sideBySide(ctx, b.Clients, own, limits...)
}

// change measures a change by a rule: an update that reads the row under its lock.
func change(ctx context.Context, b *bench) (*Row, error) {
	mask := &fieldmaskpb.FieldMask{Paths: []string{"note"}}
	row, err := b.sideBySide(ctx, b.Clients, workload{contactv1.ContactService_UpdateContact_FullMethodName, func(ctx context.Context, n int) error {
		_, err := contactv1.NewContactServiceClient(b.conn).UpdateContact(ctx, &contactv1.UpdateContactRequest{
			Contact: &contactv1.Contact{Name: b.contact(n), Note: "called " + uuid.NewString()[:8]}, UpdateMask: mask, RequestId: uuid.NewString(),
		})
		return err
	}})
	if err != nil {
		return nil, err
	}
	return row.aim(fmt.Sprintf("change contact by rule, %d clients", b.Clients), fmt.Sprintf("%d round trips", changeTrips), fmt.Sprintf("%d round trips", changeTripsGoal),
		within(row, changeTrips)), nil
}
