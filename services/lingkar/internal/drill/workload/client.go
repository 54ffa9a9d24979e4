package workload

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/ledger"
)

// client is one caller.
type client struct {
	load     *Load
	number   int
	tenant   int
	doors    Doors
	campaign string
	pause    time.Duration
	random   *rand.Rand
	prefix   string

	count     int
	customers []*customer
	tickets   []*thing
	deals     []*thing
	families  []*Family
	visitors  []*visitor
	doubtful  []*doubt
}

// thing is a resource that the client alone works on.
type thing struct {
	name, state string
	of          *customer
	busy        bool // a call about it is in doubt
}

// customer is a contact of the client.
type customer struct {
	thing
	touched bool
	allowed bool   // its consent to marketing
	last    string // the title of its last interaction that was acknowledged
	// position is that interaction's place in the log.
	position string
	orders   []string // the names of its orders
}

// doubt is an operation that nobody knows the outcome of, and what to do when it
// is known.
type doubt struct {
	op   *ledger.Op
	done func(answer proto.Message, position string)
	free *bool // what is left alone until then
}

// weighted is one kind of work.
type weighted struct {
	weight int
	do     func(c *client, ctx context.Context)
}

// mix is what callers do, in hundredths.
var mix = []weighted{
	{14, (*client).createContact},
	{28, (*client).recordInteraction},
	{6, (*client).workOnFamily},
	{6, (*client).usePortal},
	{10, (*client).moveDeal},
	{15, (*client).workOnTicket},
	{4, (*client).changeConsent},
	{4, (*client).touch},
	{4, (*client).purchase},
	{8, (*client).readView},
	{1, (*client).recordTooMuch},
}

// work works until the context ends. What it is at is finished first.
func (c *client) work(ctx context.Context) {
	for ctx.Err() == nil {
		c.again(context.WithoutCancel(ctx), 1)
		c.one(context.WithoutCancel(ctx))
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(c.random.ExpFloat64() * float64(c.pause))):
		}
	}
}

// one does one piece of work.
func (c *client) one(ctx context.Context) {
	if len(c.customers) < 2 {
		c.createContact(ctx)
		return
	}
	at := c.random.IntN(100)
	for _, w := range mix {
		if at -= w.weight; at < 0 {
			w.do(c, ctx)
			return
		}
	}
}

// again repeats some of what is in doubt.
func (c *client) again(ctx context.Context, n int) {
	for range min(n, len(c.doubtful)) {
		d := c.doubtful[0]
		c.doubtful = c.doubtful[1:]
		if !c.settle(ctx, d) {
			c.doubtful = append(c.doubtful, d)
		}
	}
}

// resolve repeats what is in doubt until nothing is, or the context ends. It
// answers how much is left.
func (c *client) resolve(ctx context.Context) int {
	for len(c.doubtful) > 0 && ctx.Err() == nil {
		c.again(ctx, len(c.doubtful))
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	return len(c.doubtful)
}

// settle calls once, and says whether the outcome is known.
func (c *client) settle(ctx context.Context, d *doubt) bool {
	if !c.load.try(ctx, c.doors, d.op) {
		return false
	}
	d.settled()
	return true
}

// settled goes on where the outcome is known.
func (d *doubt) settled() {
	if d.free != nil {
		*d.free = false
	}
	if d.op.Outcome == ledger.OK && d.done != nil {
		d.done(d.op.Answer, d.op.Position)
	}
}

// do makes an operation that changes something; free is what must be left alone
// while its outcome is unknown, and done is told the answer.
func (c *client) do(ctx context.Context, kind, method, subject string, req proto.Message, free *bool, done func(proto.Message, string)) {
	op := c.op(kind, method, subject, req)
	op.Writes = true
	setRequestID(req, op.ID)
	if free != nil {
		*free = true
	}
	c.insist(ctx, &doubt{op: op, done: done, free: free})
}

// refused makes a call that must be refused, for that reason.
func (c *client) refused(ctx context.Context, kind, method, subject string, req proto.Message, reason string) {
	op := c.op(kind, method, subject, req)
	op.Refusal = reason
	setRequestID(req, op.ID)
	c.insist(ctx, &doubt{op: op})
}

// insist calls until the outcome is known, or puts it off.
func (c *client) insist(ctx context.Context, d *doubt) {
	for n := range attempts {
		if c.settle(ctx, d) {
			return
		}
		time.Sleep(time.Duration(n+1) * 50 * time.Millisecond)
	}
	c.doubtful = append(c.doubtful, d)
}

func (c *client) op(kind, method, subject string, req proto.Message) *ledger.Op {
	c.count++
	return &ledger.Op{
		ID: c.id(), Kind: kind, Method: method, Request: req, Subject: subject,
		Tenant: c.tenant, Client: c.number, REST: c.random.IntN(2) == 0,
	}
}

// id is the request id of the present operation; those of one client ascend.
func (c *client) id() string { return fmt.Sprintf("%s-%06d", c.prefix, c.count) }

// next is the id of the operation that follows.
func (c *client) next() string { return fmt.Sprintf("%s-%06d", c.prefix, c.count+1) }

func setRequestID(req proto.Message, id string) {
	m := req.ProtoReflect()
	if f := m.Descriptor().Fields().ByName("request_id"); f != nil {
		m.Set(f, protoreflect.ValueOfString(id))
	}
}

// customer answers one that no call is in doubt about, or nil.
func (c *client) customer() *customer {
	for range 4 {
		if k := c.customers[c.random.IntN(len(c.customers))]; !k.busy {
			return k
		}
	}
	return nil
}

// free answers a thing in one of the states that no call is in doubt about, or
// nil.
func (c *client) free(of []*thing, states ...string) *thing {
	for range 6 {
		if len(of) == 0 {
			return nil
		}
		t := of[c.random.IntN(len(of))]
		for _, s := range states {
			if t.state == s && !t.busy {
				return t
			}
		}
	}
	return nil
}
