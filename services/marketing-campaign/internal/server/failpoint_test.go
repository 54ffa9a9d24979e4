//go:build drill

package server_test

import (
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
)

// A campaign whose sending fails after each of its steps touches each member once
// (I5): a touch has its two events and no more.
func TestFailpoints_send(t *testing.T) {
	s := start(t)
	a := of(s.Client(t, s.As(auth.Admin)))
	const people = 120
	a.people(t, people, "crowd")
	segment := a.segment(t, from("crowd")).GetName()
	testkit.Failpoints(t, "campaign.after_claim=error@1; campaign.after_plan=error@1; campaign.after_send=error@2; keys.before_fetch=error@1")
	k := a.launched(t, retention(segment)).GetName()
	if p := a.complete(t, k); p.GetSentCount() != people || p.GetPlannedCount() != 0 {
		t.Errorf("complete at %v", p)
	}
	touches := a.touches(t, `campaign = "`+k+`"`)
	if len(touches) != people {
		t.Errorf("%d contacts are touched, want %d", len(touches), people)
	}
	for _, touch := range touches {
		if touch.GetEtag() != "2" { // the number of its last event
			t.Fatalf("a touch is %v", touch)
		}
	}
}
