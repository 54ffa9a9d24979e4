package server_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	campaign "github.com/lingkar-crm/lingkar/services/marketing-campaign"
)

// restart stops the campaign service and starts it anew, on the same database and
// address.
func restart(t *testing.T, s *testkit.Suite) {
	t.Helper()
	old := s.Services["campaign"]
	env := service.Environment{
		AppURL: old.Runtime.DB.App.Config().ConnString(), SystemURL: old.Runtime.DB.System.Config().ConnString(),
		PageKey: []byte("sixteen bytes or more, for tests"),
		NATS:    old.Runtime.NATS, Targets: s.Targets, Issuer: s.Issuer, Verifier: s.Verifier, Now: s.Clock.Now,
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := old.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	var err error
	if env.Listener, err = net.Listen("tcp", old.Addr); err != nil {
		t.Fatal(err)
	}
	running, err := service.Start(ctx, campaign.Definition, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := running.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// A campaign whose service stops in the middle goes on where it was: each member
// is touched exactly once, and each touch has its two events.
func TestCampaign_survivesARestart(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := of(s.Client(t, s.As(auth.Admin)))
	const people = 600
	a.people(t, people, "crowd")
	k := a.launched(t, retention(a.segment(t, from("crowd")).GetName())).GetName()
	testkit.Eventually(t, func() error {
		p, err := a.GetCampaignProgress(a.Ctx(), &campaignv1.GetCampaignProgressRequest{Name: k + "/progress"})
		if err == nil && p.GetSentCount() == 0 {
			err = fmt.Errorf("nothing is sent: %v", p)
		}
		return err
	})
	restart(t, s)
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
