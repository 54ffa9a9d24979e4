package eventlog_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// A contact is erased in the transaction that reads of it, also where the event itself
// is poison; its key and the answers kept of it go; and a while later it is erased once
// more, for what was written meanwhile.
func TestRunner_erases(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	relay := b.relay()
	b.log.Wake = relay.Wake
	start(t, relay.Run)
	tenant, gone, other := uuid.New(), uuid.New(), uuid.New()
	p := see("p") // which cannot read the event of an erasure
	p.Erase = func(ctx context.Context, tx pgx.Tx, of, contact uuid.UUID) error {
		_, err := tx.Exec(ctx, "UPDATE seen SET name = '' WHERE tenant = $1 AND aggregate = $2", "tenants/"+of.String(), "contacts/"+contact.String())
		return err
	}
	runner := b.runner(p)
	start(t, runner.Run)
	ctx := t.Context()
	b.write(ctx, tenant, gone, 2)
	b.write(ctx, tenant, other, 1)
	open := func(contact uuid.UUID) int {
		return b.count("SELECT count(*) FROM seen WHERE aggregate = $1 AND name <> ''", "contacts/"+contact.String())
	}
	eventually(t, "all is seen", func() bool { return open(gone) == 2 && open(other) == 1 })
	if _, err := b.db.System.Exec(ctx, `
		INSERT INTO idempotency (tenant, subject, method, key, hash, response, contacts, create_time)
		VALUES ($1, 'users/a', 'm', 'k', '\x00', '\x01', ARRAY[$2::uuid], now())`, tenant, gone); err != nil {
		t.Fatal(err)
	}

	events, err := b.log.Prepare(ctx, tenant, eventlog.Aggregate{Name: "contacts/" + gone.String(), Partition: entity.Partition(tenant, gone), Seq: 2}, []eventlog.Draft{{
		Payload: &contactv1.ContactErased{Contact: &contactv1.Contact{Name: "contacts/" + gone.String()}}, Contacts: []uuid.UUID{gone},
	}})
	if err != nil || events[0].GetType() != eventlog.ErasedType || events[0].GetSealed() != nil {
		t.Fatal(events, err)
	}
	b.commit(tenant, events)
	eventually(t, "the contact is erased", func() bool { return open(gone) == 0 })
	if open(other) != 1 {
		t.Error("another contact was erased")
	}
	if n := b.count("SELECT count(*) FROM idempotency WHERE response IS NOT NULL"); n != 0 {
		t.Error("the answer is kept")
	}
	if _, cached := b.keys.Cached(tenant, gone); cached {
		t.Error("the key is kept")
	}

	if _, err := b.db.System.Exec(ctx, "UPDATE seen SET name = 'late' WHERE aggregate = $1", "contacts/"+gone.String()); err != nil {
		t.Fatal(err)
	}
	if err := runner.SettleNow(ctx, time.Hour); err != nil || open(gone) == 0 {
		t.Errorf("settled too early, %v", err)
	}
	if err := runner.SettleNow(ctx, 0); err != nil || open(gone) != 0 {
		t.Errorf("not settled: %d stand open, %v", open(gone), err)
	}
	if n := b.count("SELECT count(*) FROM parked_event WHERE cause = 'the contact was erased'"); n != 1 {
		t.Error("why the event was parked is kept")
	}
	if n := b.count("SELECT count(*) FROM erased_contact WHERE NOT settled"); n != 0 {
		t.Errorf("%d erasures are not settled", n)
	}
}
