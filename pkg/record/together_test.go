package record_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// caller is a call of the n-th user, with a request id of its own.
func (h *house) caller(n int) (context.Context, *headers) {
	ctx := auth.With(h.t.Context(), auth.Caller{Tenant: h.tenant, Subject: fmt.Sprint("users/", n), Teams: []string{"teams/a"}})
	answered := &headers{}
	return call.With(grpc.NewContextWithServerTransportStream(auth.WithScope(ctx, auth.All), answered), call.Info{
		Method: "/lingkar.contact.v1.ContactService/Test", RequestID: fmt.Sprint("r-", n), Hash: sha256.Sum256([]byte{byte(n)}),
		Correlation: fmt.Sprint("c-", n),
	}), answered
}

// Creations that come at once share transactions, and each of them is as if it had been
// alone: its rows, its event, its audit entry, its kept answer, its refusal.
func TestStore_together(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.add(h.as(h.tenant), h.tenant, "taken")
	const calls, quiet = 60, 40
	refused := func(n int) bool { return n >= quiet && n%5 == 0 }
	create := func(n int) (*contactv1.Contact, []string, error) {
		number := fmt.Sprint("n-", n)
		if refused(n) {
			number = "taken"
		}
		ctx, answered := h.caller(n)
		c, err := h.store.Create(ctx, h.tenant, "", &contactv1.Contact{CustomerId: number, GivenName: "Siti", Note: fmt.Sprint("a", n, " b", n)})
		return c, answered.got.Get(call.PositionHeader), err
	}
	var first [calls]*contactv1.Contact
	var wg sync.WaitGroup
	run := func(n int) {
		wg.Go(func() {
			c, tokens, err := create(n)
			if refused(n) {
				wantReason(t, "a number that is taken", err, "NUMBER_TAKEN")
				return
			}
			if err != nil {
				t.Errorf("call %d: %v", n, err)
				return
			}
			first[n] = c
			reached := "SELECT count(*) FROM event_log WHERE aggregate = $1 AND position <= split_part($2, '.', 2)::bigint"
			if len(tokens) != 1 || h.count(reached, c.GetName(), tokens[0]) != 1 {
				t.Errorf("call %d: its event is not within %v", n, tokens)
			}
		})
	}
	for n := range quiet {
		run(n)
	}
	wg.Wait()
	if transactions := h.count("SELECT count(DISTINCT xmin::text) FROM person WHERE number <> 'taken'"); transactions >= quiet {
		t.Errorf("%d transactions for %d creations", transactions, quiet)
	}
	for n := quiet; n < calls; n++ {
		run(n)
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	const want = calls - (calls-quiet)/5
	stored := h.count("SELECT count(*) FROM person WHERE number <> 'taken'")
	if stored != want {
		t.Errorf("%d stored, want %d", stored, want)
	}
	for what, query := range map[string]string{
		"events with their audit entry": `
			SELECT count(*) FROM event_log AS e JOIN audit AS a ON a.resource = e.aggregate AND a.seq = e.aggregate_seq
			JOIN person AS p ON 'contacts/' || p.id = e.aggregate
			WHERE a.actor = 'users/' || substr(p.number, 3) AND a.request_id = 'r-' || substr(p.number, 3)
				AND a.correlation_id = 'c-' || substr(p.number, 3) AND position(convert_to(a.actor, 'UTF8') IN e.event) > 0`,
		"answers with their contact": `
			SELECT count(*) FROM idempotency AS k JOIN person AS p ON p.id = ANY (k.contacts)
			WHERE cardinality(k.contacts) = 1 AND k.key = 'r-' || substr(p.number, 3) AND k.subject = 'users/' || substr(p.number, 3)`,
		"positions that follow the event": `
			SELECT count(*) FROM idempotency AS k JOIN event_log AS e ON e.aggregate = 'contacts/' || k.contacts[1]
			WHERE k.position >= e.position`,
		"two tags": `
			SELECT count(*) FROM person AS p
			WHERE (SELECT count(*) FROM tag WHERE person = p.id AND tag IN ('a' || substr(p.number, 3), 'b' || substr(p.number, 3))) = 2`,
	} {
		if n := h.count(query); n != stored {
			t.Errorf("%s: %d of %d", what, n, stored)
		}
	}
	for n := range calls {
		again, _, err := create(n)
		switch {
		case refused(n):
			wantReason(t, "again", err, "NUMBER_TAKEN")
		case err != nil || !proto.Equal(again, first[n]):
			t.Errorf("repeated: %v, %v; want %v", again, err, first[n])
		}
	}
}
