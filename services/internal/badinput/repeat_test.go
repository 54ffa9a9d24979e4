package badinput

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/internal/fuzz"
)

// Row B24, on every RPC that takes a request id: what was done is done once and
// answered the same, and another request under its id is refused. This changes what is
// in the services, so it comes last.
func testRepeats(t *testing.T, d *desk) {
	for _, transport := range []string{testkit.GRPC, testkit.OverREST} {
		t.Run("B24/"+transport, func(t *testing.T) {
			testkit.Prove(t, transport, "B24")
			tried, can := 0, 0
			for n, m := range d.methods {
				if !writes(m) || transport == testkit.OverREST && (len(m.Bindings) == 0 || n%everyREST != 0) {
					continue
				}
				can++
				if d.repeats(t, transport, m, fmt.Sprintf("repeat-%s-%d", transport, n)) {
					tried++
				}
			}
			t.Logf("%d of %d RPCs with a request id were answered and repeated", tried, can)
			if tried < can/2 {
				t.Errorf("only %d of %d RPCs were answered at all, so the row shows little", tried, can)
			}
		})
	}
}

// repeats tries the row on one RPC; false where no request was found that the service
// takes.
func (d *desk) repeats(t *testing.T, transport string, m fuzz.Method, id string) bool {
	t.Helper()
	for range attempts {
		request := identified(d.base.Another(t.Context(), m), id)
		if d.base.Unfit(t.Context(), m) && m.Desc.Input().Fields().ByName("validate_only") != nil {
			return false // to search again would take long, and find nothing
		}
		first, sent := d.call(t, transport, m, request)
		if !sent || first.Status.Code() != codes.OK {
			continue
		}
		again, _ := d.call(t, transport, m, request)
		if again.Status.Code() != codes.OK || !reflect.DeepEqual(told(t, again), told(t, first)) {
			t.Errorf("%s: repeated, the call answers %v %v, and first %v\n%s", m.Name(), again.Status, told(t, again), told(t, first), shown(request))
		}
		d.another(t, transport, m, request, id)
		return true
	}
	return false
}

// told answers what a call told its caller, but for a secret, which is told once.
func told(t *testing.T, a fuzz.Answer) map[string]any {
	t.Helper()
	raw := a.Raw
	if len(a.Messages) > 0 {
		var err error
		if raw, err = protojson.Marshal(a.Messages[0]); err != nil {
			t.Fatal(err)
		}
	}
	fields := map[string]any{}
	if err := json.Unmarshal(raw, &fields); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	delete(fields, "secret")
	return fields
}

// attempts is how many requests are made to find one that is answered.
const attempts = 6

// another sends a different request under the id of one that was answered.
func (d *desk) another(t *testing.T, transport string, m fuzz.Method, answered proto.Message, id string) {
	t.Helper()
	for range attempts {
		other := identified(d.base.Another(t.Context(), m), id)
		if proto.Equal(other, answered) {
			continue
		}
		a, sent := d.call(t, transport, m, other)
		if !sent {
			continue
		}
		if a.Status.Code() == codes.InvalidArgument && errs.Reason(a.Status.Err()) != "IDEMPOTENCY_KEY_REUSED" {
			continue // it breaks a rule, which is looked at first
		}
		want{codes.InvalidArgument, "IDEMPOTENCY_KEY_REUSED", "request_id"}.check(t, m.Name()+" with another body", a, other)
		return
	}
}

// identified sets the request id.
func identified(request proto.Message, id string) proto.Message {
	in := request.ProtoReflect()
	in.Set(in.Descriptor().Fields().ByName("request_id"), protoreflect.ValueOfString(id))
	return request
}
