package server

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/failpoint"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/campaign"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/store"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/touch"
)

// batch is how many touches are planned, and how many are sent, in one
// transaction. Whoever pauses a campaign waits for one of them at most.
const batch = 50

// untilHours is how long a campaign rests of which all that is left waits for the
// hours in which its contacts may be reached.
const untilHours = 5 * time.Second

// SendTouches sends the touches of running campaigns until the context ends.
func (s *Server) SendTouches(ctx context.Context) error {
	return work(ctx, s, "send touches", &s.sends, s.Store.ClaimSend, s.send, s.Store.Release)
}

// send sends the touches of one campaign, until all are sent or it does not run
// any more.
func (s *Server) send(ctx context.Context, w *store.Send) error {
	if err := failpoint.Hit(failpoint.CampaignAfterClaim); err != nil {
		return err
	}
	for {
		done, err := s.sendBatch(ctx, w)
		switch reason := errs.Reason(err); {
		case reason == "CAMPAIGN_NOT_RUNNING" || reason == "CAMPAIGN_FINISHED":
			return s.Store.Release(ctx, w, 0) // somebody stopped it, and may go on with it
		case reason == "TOUCH_EXISTS":
			continue // somebody sent it by hand between reading and planning
		case err != nil || done:
			return err
		}
	}
}

// sendBatch plans the touches of the next members and sends the next planned
// ones. It answers true when there are neither, or when all that is left has to wait
// for its hour.
func (s *Server) sendBatch(ctx context.Context, w *store.Send) (done bool, err error) {
	ctx, err = s.AsService(ctx, w.Tenant)
	if err != nil {
		return false, err
	}
	c, err := s.Store.Campaigns.Get(ctx, w.Tenant, fields.Name("campaigns", &w.Campaign))
	if err != nil {
		return false, err
	}
	more, err := s.plan(ctx, w, c)
	if err != nil {
		return false, err
	}
	planned, err := s.Store.Planned(ctx, w, s.now(), batch)
	switch {
	case err != nil:
		return false, err
	case len(planned) > 0:
		return false, s.sendPlanned(ctx, w, c, planned)
	case more:
		return false, nil
	}
	waiting, err := s.Store.Waiting(ctx, w)
	switch {
	case err != nil:
		return false, err
	case waiting:
		return true, s.Store.Release(ctx, w, untilHours)
	}
	return true, s.Store.CompleteSend(ctx, w, s.now())
}

// plan foresees touches for the next members, and says whether there were any.
func (s *Server) plan(ctx context.Context, w *store.Send, c *campaign.Campaign) (more bool, err error) {
	members, untouched, err := s.Store.Unplanned(ctx, w, batch)
	if err != nil {
		return false, err
	}
	_, err = record.Write(ctx, s.Store.DB, s.Store.Log, w.Tenant, func(u *record.Unit) (*emptypb.Empty, error) {
		if err := s.sending(u, w.Campaign); err != nil {
			return nil, err
		}
		for _, contact := range untouched {
			t, planned := touch.Plan(c.ID, contact, c.Channel, c.Owner, c.Team)
			if err := s.Store.Touches.AddIn(u, t, planned); err != nil {
				return nil, err
			}
		}
		return &emptypb.Empty{}, nil
	})
	if err != nil {
		return false, err
	}
	if err := failpoint.Hit(failpoint.CampaignAfterPlan); err != nil {
		return false, err
	}
	last := w.Cursor
	if len(members) > 0 {
		last = members[len(members)-1]
	}
	return len(members) > 0, s.Store.MoveCursor(ctx, w, last)
}

// sendPlanned sends or withholds some planned touches, in one transaction.
func (s *Server) sendPlanned(ctx context.Context, w *store.Send, c *campaign.Campaign, planned []store.Planned) error {
	ids := make([]uuid.UUID, len(planned))
	for i, p := range planned {
		ids[i] = p.Contact
	}
	written, err := s.letters(ctx, c, ids)
	if err != nil {
		return err
	}
	if err := s.fetchKeys(ctx, w.Tenant, ids, written); err != nil {
		return err
	}
	_, err = record.Write(ctx, s.Store.DB, s.Store.Log, w.Tenant, func(u *record.Unit) (*emptypb.Empty, error) {
		if err := s.sending(u, w.Campaign); err != nil {
			return nil, err
		}
		for i, p := range planned {
			_, err := s.Store.Touches.ChangeIn(u, fields.Name("touches", &p.Touch), func(t *touch.Touch) ([]entity.Event, error) {
				return t.Send(written[i].message, written[i].verdict, s.now()), nil
			})
			if err != nil {
				return nil, err
			}
			if later := written[i].verdict.Later; later != nil {
				s.Store.PostponeIn(u, p.Touch, *later)
			}
		}
		return &emptypb.Empty{}, nil
	})
	if err != nil {
		return err
	}
	return failpoint.Hit(failpoint.CampaignAfterSend)
}

// sending locks the campaign and says whether touches may be sent now. So nothing
// is sent any more when a call that stops the campaign has been answered.
func (s *Server) sending(u *record.Unit, id uuid.UUID) error {
	_, err := s.Store.Campaigns.ChangeIn(u, fields.Name("campaigns", &id), func(c *campaign.Campaign) ([]entity.Event, error) {
		return nil, c.Sending()
	})
	return err
}

// fetchKeys fetches the keys under which the letters are sealed, all at once.
func (s *Server) fetchKeys(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID, written []letter) error {
	var missing []uuid.UUID
	for i, id := range ids {
		_, cached := s.Keys.Cached(tenant, id)
		if written[i].verdict.Reason == 0 && !cached && !slices.Contains(missing, id) {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return s.Keys.Fetch(ctx, tenant, missing...)
}
