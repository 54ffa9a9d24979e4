// Package badinput holds the rows of the catalogue of bad input that fit many fields
// or RPCs (B02 to B07, B09 to B20, B22 to B25, B43), as tests that are derived from
// the contracts: each row says what is wrong with a field or a request, and is tried
// on every RPC where there is such a field or such a request, over gRPC and over
// REST. A new RPC, or a new field, is tried without a line of code here.
//
// Each answer must have the code, the status and the reason of the row, name the
// field, and show nothing of the inside; and at the end nothing has changed. What
// cannot be spelt over one of the transports is tried over the other. Rows about one
// RPC alone are beside the service. What random input does is in package fuzz.
package badinput

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/rest"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/internal/fuzz"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// TestCatalogue tries every row on one set of services: to start them takes longer
// than to ask.
func TestCatalogue(t *testing.T) {
	d := newDesk(t)
	t.Run("calls", func(t *testing.T) { testCalls(t, d) })
	t.Run("fields", func(t *testing.T) { testFields(t, d) })
	t.Run("names", func(t *testing.T) { testNames(t, d) })
	t.Run("JSON", func(t *testing.T) { testJSON(t, d) })
	t.Run("sizes", func(t *testing.T) { testSizes(t, d) })
	t.Run("searches", func(t *testing.T) { testSearches(t, d) })
	t.Run("repeats", func(t *testing.T) { testRepeats(t, d) })
}

// desk is all services with something in them, and a caller who may do everything.
type desk struct {
	*testkit.Suite
	caller  auth.Caller
	methods []fuzz.Method
	base    *fuzz.Baselines
}

// furnished is the seed of what is in the services.
const furnished = 20261122

func newDesk(t *testing.T) *desk {
	t.Helper()
	s := testkit.Start(t, fleet.All()...)
	d := &desk{Suite: s, caller: s.As(auth.Admin, auth.Manager, auth.Operator, auth.Service)}
	for _, m := range fuzz.Methods() {
		if !m.Streams() && m.Desc.Parent().FullName() != "google.longrunning.Operations" {
			d.methods = append(d.methods, m)
		}
	}
	d.base = fuzz.NewBaselines(s.Route(d.caller), fuzz.Furnish(t.Context(), s, d.caller, furnished).Pool)
	return d
}

// atOnce is how many methods are tried at a time.
const atOnce = 8

// each tries every method, several at a time, and answers the sum of what the trials do.
func (d *desk) each(try func(m fuzz.Method) int) int {
	var group sync.WaitGroup
	var sum atomic.Int64
	free := make(chan struct{}, atOnce)
	for _, m := range d.methods {
		free <- struct{}{}
		group.Go(func() {
			defer func() { <-free }()
			sum.Add(int64(try(m)))
		})
	}
	group.Wait()
	return int(sum.Load())
}

// method answers an RPC of the contact service by its name.
func (d *desk) method(name string) fuzz.Method {
	for _, m := range d.methods {
		if m.Full == "/lingkar.contact.v1.ContactService/"+name {
			return m
		}
	}
	panic("badinput: there is no " + name)
}

// baseline answers a request of the method that breaks no rule, to be spoiled in one
// place.
func (d *desk) baseline(t *testing.T, m fuzz.Method) proto.Message {
	t.Helper()
	return d.base.Of(t.Context(), m)
}

// writes says whether a method changes something: such a one is repeatable by a
// request_id.
func writes(m fuzz.Method) bool { return m.Desc.Input().Fields().ByName("request_id") != nil }

// call sends a request over a transport; false where JSON or a path cannot hold it,
// or the RPC is not offered.
func (d *desk) call(t *testing.T, transport string, m fuzz.Method, request proto.Message) (fuzz.Answer, bool) {
	t.Helper()
	if transport == testkit.GRPC {
		return fuzz.CallGRPC(t.Context(), d.Route(d.caller), m, fuzz.Wire(request)), true
	}
	if len(m.Bindings) == 0 {
		return fuzz.Answer{}, false
	}
	req, err := rest.Request(t.Context(), d.HTTP, m.Full, request)
	if err != nil {
		return fuzz.Answer{}, false
	}
	return d.send(t, m, req)
}

func (d *desk) send(t *testing.T, m fuzz.Method, req *http.Request) (fuzz.Answer, bool) {
	t.Helper()
	if req.Header.Get("Authorization") == "" {
		req.Header.Set("Authorization", "Bearer "+d.Token(d.caller))
	}
	return fuzz.CallHTTP(t.Context(), m, req, true)
}

// want is what an answer must be.
type want struct {
	code   codes.Code
	reason string
	// field must be among those that are wrong; empty where none is demanded.
	field string
}

// check fails the test where an answer is not what it must be.
func (w want) check(t *testing.T, what string, a fuzz.Answer, request proto.Message) {
	t.Helper()
	if a.HTTP == http.StatusRequestHeaderFieldsTooLarge { // a long value in the path or a parameter (row B05)
		return
	}
	err := a.Status.Err()
	found := errs.FieldViolations(err)
	named := w.field == "" || w.names(found)
	reason := errs.Reason(err)
	if a.Status.Code() != w.code || !named || w.reason != "" && reason != w.reason && !(len(found) > 1 && reason == errs.FieldInvalid) {
		t.Errorf("%s: answered %s %s %q %v, want %s %s of %s\n%.1000s", what, a.Status.Code(), reason, a.Status.Message(), found, w.code, w.reason, w.field, shown(request))
	}
	if wrong := (fuzz.Judge{}).Wrong(a); wrong != "" {
		t.Errorf("%s: %s", what, wrong)
	}
}

// names says whether the field is among the violations, for the reason.
func (w want) names(found []errs.Violation) bool {
	return slices.ContainsFunc(found, func(v errs.Violation) bool {
		return (strings.HasPrefix(v.Field, w.field) || strings.HasPrefix(w.field, v.Field+"[")) && (v.Reason == w.reason || w.reason == "")
	})
}

func shown(request proto.Message) string {
	if request == nil {
		return ""
	}
	return prototext.MarshalOptions{}.Format(request)
}

// state counts what a change leaves behind: events, audit entries and kept answers
// of all services, but for what timers and webhooks do meanwhile.
func (d *desk) state(ctx context.Context, t *testing.T) string {
	t.Helper()
	var all string
	for _, area := range []string{"contact", "sales", "ticket", "campaign", "platform"} {
		var events, audits, kept int
		err := d.Services[area].Runtime.DB.System.QueryRow(ctx, `
			SELECT (SELECT count(*) FROM event_log WHERE type <> 'lingkar.contact.v1.LifecycleChanged'),
				(SELECT count(*) FROM audit WHERE actor <> 'services/gateway'), (SELECT count(*) FROM idempotency WHERE subject <> 'services/gateway')`).Scan(&events, &audits, &kept)
		if err != nil {
			t.Fatal(err)
		}
		all += fmt.Sprintf("%s: %d events, %d audit entries, %d answers; ", area, events, audits, kept)
	}
	return all
}
