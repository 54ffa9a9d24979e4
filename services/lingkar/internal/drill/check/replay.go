package check

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/ledger"
)

// samples is how many operations are repeated.
const samples = 60

// replay repeats acknowledged calls, two to five at once, and expects the first
// answer; with another body it expects a refusal (I4). That repeating leaves no
// trace is shown by the checks that follow. The token of a portal is kept nowhere: asking
// for it again is answered with another.
func (r *Run) replay(ctx context.Context) Result {
	result := Result{ID: "I4", Title: "a repeated call has one effect and one answer"}
	byMethod := map[string][]*ledger.Op{}
	var done []*ledger.Op
	erased := r.erased()
	for _, op := range r.Ops {
		if op.Writes && op.Outcome == ledger.OK && !erased[op.Family] && op.Method != contactv1.PortalService_IssuePortalToken_FullMethodName {
			done = append(done, op)
			key := fmt.Sprint(op.Tenant, op.Client, op.Method)
			byMethod[key] = append(byMethod[key], op)
		}
	}
	calls, refused := 0, 0
	for range min(samples, len(done)) {
		op := done[r.Random.IntN(len(done))]
		k := 2 + r.Random.IntN(4)
		calls += k
		r.repeat(ctx, &result, op, k)
		others := byMethod[fmt.Sprint(op.Tenant, op.Client, op.Method)]
		if other := others[r.Random.IntN(len(others))]; other != op {
			refused++
			r.reuse(ctx, &result, op, other)
		}
	}
	result.Evidence = fmt.Sprintf("%d repetitions, %d with another body", calls, refused)
	return result
}

func (r *Run) repeat(ctx context.Context, result *Result, op *ledger.Op, k int) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for n := range k {
		again := *op
		again.REST = n%2 == 0
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
			defer cancel()
			answer, _, err := r.Load.Doors(op.Tenant).Invoke(ctx, &again)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				result.breach("%s %s again: %v", op.Kind, op.ID, err)
			case !proto.Equal(answer, op.Answer):
				result.breach("%s %s again answers\n%v\ninstead of\n%v", op.Kind, op.ID, answer, op.Answer)
			}
		})
	}
	all.Wait()
}

// reuse calls with the body of another operation under the id of op.
func (r *Run) reuse(ctx context.Context, result *Result, op, other *ledger.Op) {
	changed := *other
	changed.Request = proto.Clone(other.Request)
	m := changed.Request.ProtoReflect()
	m.Set(m.Descriptor().Fields().ByName("request_id"), protoreflect.ValueOfString(op.ID))
	if proto.Equal(changed.Request, op.Request) {
		return
	}
	_, _, err := r.Load.Doors(op.Tenant).Invoke(ctx, &changed)
	if status.Code(err) != codes.InvalidArgument || errs.Reason(err) != "IDEMPOTENCY_KEY_REUSED" {
		result.breach("%s %s with another body: %v", op.Kind, op.ID, err)
	}
}
