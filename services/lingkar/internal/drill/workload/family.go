package workload

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/ledger"
)

// Family is two contacts who turn out to be one person, are taken apart again, and
// may be erased as one. Nothing else is done with them.
type Family struct {
	// Canary stands in all that is said to them, and nowhere else.
	Canary string
	// Tenant is whose they are, by its number.
	Tenant int
	// Names are the two contacts; fewer while one is not there yet.
	Names []string
	// Into answers the place in Names of the one that the other was merged into; -1
	// apart.
	Into int
	// Erased says that both were.
	Erased bool

	doubts [3]bool // calls about them whose outcome is not known
}

// Settled says that the outcome of every call about them is known.
func (f *Family) Settled() bool { return len(f.Names) == 2 && f.doubts == [3]bool{} }

// CanaryPattern is the regular expression of every Canary, as text or as the hexadecimal
// digits of its bytes.
const CanaryPattern = "zq[0-9a-f]{16}q[0-9]+z|7a71[0-9a-f]{32}71(?:3[0-9])+7a"

// canary answers that of a client's next family.
func (c *client) canary() string {
	return fmt.Sprintf("zq%sq%dz", c.prefix[1:17], 1000*c.number+len(c.families))
}

// EraseKind is what erasing a family is called in the ledger.
const EraseKind = "erase person"

// manyFamilies is from how many on a client makes a new one seldom.
const manyFamilies = 4

// workOnFamily makes a family, or goes on with one: mostly something is said to one of
// the two, under either name, whether they are one or not (I7, I12).
func (c *client) workOnFamily(ctx context.Context) {
	f := c.family()
	if f == nil || len(c.families) < manyFamilies && c.random.IntN(2) == 0 || c.random.IntN(10) == 0 {
		c.makeFamily(ctx)
		return
	}
	dice := c.random.IntN(100)
	switch {
	case dice < 45:
		c.talk(ctx, f)
	case f.Into < 0 && dice < 85:
		c.merge(ctx, f)
	case f.Into < 0:
		c.raceToMerge(ctx, f)
	case dice < 90:
		c.takeApart(ctx, f)
	default:
		c.erase(ctx, f)
	}
}

// family answers one that nothing is in doubt about, or nil.
func (c *client) family() *Family {
	for range 6 {
		if len(c.families) == 0 {
			return nil
		}
		if f := c.families[c.random.IntN(len(c.families))]; f.Settled() && !f.Erased {
			return f
		}
	}
	return nil
}

func (c *client) makeFamily(ctx context.Context) {
	f := &Family{Canary: c.canary(), Tenant: c.tenant, Into: -1}
	c.families = append(c.families, f)
	for n := range 2 {
		req := &contactv1.CreateContactRequest{AllowDuplicates: true, Contact: &contactv1.Contact{
			Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: f.Canary, Note: f.Canary,
		}}
		c.doWith(ctx, f, "create twin", contactv1.ContactService_CreateContact_FullMethodName, "", req, &f.doubts[n], func(a proto.Message, _ string) {
			f.Names = append(f.Names, a.(*contactv1.Contact).GetName())
		})
	}
}

// talk records what was said to one of the two.
func (c *client) talk(ctx context.Context, f *Family) {
	c.insist(ctx, &doubt{op: c.said(f, f.Names[c.random.IntN(2)]), free: c.hold(&f.doubts[0])})
}

// said makes the operation of something that is said to a contact of a family.
func (c *client) said(f *Family, name string) *ledger.Op {
	req := &contactv1.RecordInteractionRequest{Interaction: &contactv1.Interaction{
		Contact: name, Channel: eventv1.Channel_CHANNEL_PHONE, Direction: eventv1.Direction_DIRECTION_INBOUND,
		Title: c.next() + " " + f.Canary, Body: "It is " + f.Canary + ".",
	}}
	return c.familyOp(f, "talk to twin", contactv1.InteractionService_RecordInteraction_FullMethodName, name, req)
}

func (c *client) merge(ctx context.Context, f *Family) {
	into := c.random.IntN(2)
	req := &contactv1.MergeContactsRequest{Name: f.Names[into], Contacts: []string{f.Names[1-into]}}
	c.doWith(ctx, f, "merge twins", contactv1.IdentityService_MergeContacts_FullMethodName, f.Names[into], req, &f.doubts[0], func(proto.Message, string) {
		f.Into = into
	})
}

func (c *client) takeApart(ctx context.Context, f *Family) {
	name := f.Names[1-f.Into]
	req := &contactv1.UnmergeContactRequest{Name: name}
	c.doWith(ctx, f, "take twins apart", contactv1.IdentityService_UnmergeContact_FullMethodName, name, req, &f.doubts[0], func(proto.Message, string) {
		f.Into = -1
	})
}

func (c *client) erase(ctx context.Context, f *Family) {
	name := f.Names[f.Into]
	req := &contactv1.EraseContactRequest{Name: name, Reason: contactv1.ErasureReason_ERASURE_REASON_SUBJECT_REQUEST}
	c.doWith(ctx, f, EraseKind, contactv1.PrivacyService_EraseContact_FullMethodName, name, req, &f.doubts[0], func(proto.Message, string) {
		f.Erased = true
	})
}

// raceToMerge merges each into the other at the same moment, while something is said to
// one of them: one of the merges is done, and nothing is lost (F45).
func (c *client) raceToMerge(ctx context.Context, f *Family) {
	doubts := make([]*doubt, 0, 3)
	for into := range 2 {
		req := &contactv1.MergeContactsRequest{Name: f.Names[into], Contacts: []string{f.Names[1-into]}}
		op := c.familyOp(f, "race to merge twins", contactv1.IdentityService_MergeContacts_FullMethodName, f.Names[into], req)
		op.Loses = true
		doubts = append(doubts, &doubt{op: op, free: c.hold(&f.doubts[into]), done: func(proto.Message, string) {
			if f.Into >= 0 {
				c.load.breach("I7: %s and %s were merged into each other", f.Names[0], f.Names[1])
			}
			f.Into = into
		}})
	}
	doubts = append(doubts, &doubt{op: c.said(f, f.Names[0]), free: c.hold(&f.doubts[2])})
	known := make([]bool, len(doubts))
	var racing sync.WaitGroup
	for i, d := range doubts {
		racing.Go(func() {
			for n := range attempts {
				if known[i] = c.load.try(ctx, c.doors, d.op); known[i] {
					return
				}
				time.Sleep(time.Duration(n+1) * 50 * time.Millisecond)
			}
		})
	}
	racing.Wait()
	for i, d := range doubts {
		if known[i] {
			d.settled()
		} else {
			c.doubtful = append(c.doubtful, d)
		}
	}
}

// hold marks something as in doubt.
func (c *client) hold(free *bool) *bool {
	*free = true
	return free
}

// familyOp is an operation on a family that changes something.
func (c *client) familyOp(f *Family, kind, method, subject string, req proto.Message) *ledger.Op {
	op := c.op(kind, method, subject, req)
	op.Writes, op.Family = true, f.Canary
	setRequestID(req, op.ID)
	return op
}

func (c *client) doWith(ctx context.Context, f *Family, kind, method, subject string, req proto.Message, free *bool, done func(proto.Message, string)) {
	c.insist(ctx, &doubt{op: c.familyOp(f, kind, method, subject, req), done: done, free: c.hold(free)})
}
