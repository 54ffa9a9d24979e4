package rpc_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// A call on behalf of a request carries its caller, its correlation and less time.
func TestClient_carriesTheCallOn(t *testing.T) {
	t.Parallel()
	type hop struct {
		caller auth.Caller
		info   call.Info
		left   time.Duration
	}
	seen := func(ctx context.Context) hop {
		end, _ := ctx.Deadline()
		return hop{auth.From(ctx), call.From(ctx), time.Until(end)}
	}
	var first, second hop
	behind := serve(t, &contacts{get: func(ctx context.Context, _ *contactv1.GetContactRequest) (*contactv1.Contact, error) {
		second = seen(ctx)
		return nil, errs.Refused("CLOSED", "it is closed")
	}}, &views{}, nil)
	next := contactv1.NewContactServiceClient(behind.dial(t))
	front := serve(t, &contacts{get: func(ctx context.Context, req *contactv1.GetContactRequest) (*contactv1.Contact, error) {
		first = seen(ctx)
		return next.GetContact(ctx, req)
	}}, &views{}, nil)

	_, err := contactv1.NewContactServiceClient(front.dial(t)).GetContact(as(t, auth.Sales), &contactv1.GetContactRequest{Name: "contacts/x"})
	expect(t, "two hops", err, codes.FailedPrecondition, "CLOSED")
	if second.caller.Subject != "users/ann" || second.caller.Tenant != tenant {
		t.Errorf("the second hop sees %+v", second.caller)
	}
	if first.info.Correlation == "" || second.info.Correlation != first.info.Correlation {
		t.Errorf("the correlation is %q, then %q", first.info.Correlation, second.info.Correlation)
	}
	if second.left >= first.left-100*time.Millisecond {
		t.Errorf("the first hop has %v, the second %v", first.left, second.left)
	}
}

func TestClient_repeatsWhatNoServerTook(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var ids []string
	var fail *errs.Error
	s := serve(t, &contacts{create: func(ctx context.Context, req *contactv1.CreateContactRequest) (*contactv1.Contact, error) {
		mu.Lock()
		defer mu.Unlock()
		ids = append(ids, call.From(ctx).RequestID)
		if len(ids) < 3 {
			return nil, fail
		}
		return req.GetContact(), nil
	}}, &views{}, nil)
	client := contactv1.NewContactServiceClient(s.dial(t))
	create := func(with *errs.Error, id string) error {
		ids, fail = nil, with
		_, err := client.CreateContact(as(t, auth.Admin), &contactv1.CreateContactRequest{RequestId: id, Contact: &contactv1.Contact{Kind: 1}})
		return err
	}
	away := errs.Unavailable("STORAGE_UNAVAILABLE", "the storage cannot be reached", 0)
	for _, id := range []string{"mine", ""} {
		if err := create(away, id); err != nil || len(ids) != 3 {
			t.Errorf("id %q: %d attempts, %v", id, len(ids), err)
		}
		if ids[0] == "" || ids[0] != ids[1] || ids[1] != ids[2] || id != "" && ids[0] != id {
			t.Errorf("id %q: the attempts carry %q: a repetition would be a second contact", id, ids)
		}
	}
	for _, e := range []*errs.Error{errs.Aborted("ETAG_MISMATCH", "x"), errs.Exhausted("OVERLOADED", "x", 0), errs.Invalid("a", "", "b")} {
		if err := create(e, ""); errs.Reason(err) != errs.Reason(e) || len(ids) != 1 {
			t.Errorf("%v: %d attempts, %v", e, len(ids), err)
		}
	}
}
