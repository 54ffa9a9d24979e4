package campaign

import (
	"time"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/segment"
)

// Launched says that the campaign's touches are being sent.
type Launched struct{}

// EventName implements entity.Event.
func (Launched) EventName() string { return "CampaignLaunched" }

// Launch starts a draft with the members that its segment has now.
func (c *Campaign) Launch(s *segment.Segment, now time.Time) ([]entity.Event, error) {
	switch {
	case c.Status == Finished:
		return nil, errFinished
	case c.Status != Draft:
		return nil, errLaunched
	case c.Segment != s.ID:
		return nil, errRewritten
	}
	version, err := s.Audience()
	if err != nil {
		return nil, err
	}
	c.Status, c.SegmentVersion, c.LaunchTime = Running, version, &now
	return []entity.Event{Launched{}}, nil
}

// Halted says that nothing is sent for a while.
type Halted struct{}

// EventName implements entity.Event.
func (Halted) EventName() string { return "CampaignPaused" }

// Pause stops sending.
func (c *Campaign) Pause() ([]entity.Event, error) {
	if err := c.Sending(); err != nil {
		return nil, err
	}
	c.Status = Paused
	return []entity.Event{Halted{}}, nil
}

// Continued says that a paused campaign goes on.
type Continued struct{}

// EventName implements entity.Event.
func (Continued) EventName() string { return "CampaignResumed" }

// Resume goes on with a paused campaign.
func (c *Campaign) Resume() ([]entity.Event, error) {
	switch c.Status {
	case Finished:
		return nil, errFinished
	case Draft, Running:
		return nil, errNotPaused
	}
	c.Status = Running
	return []entity.Event{Continued{}}, nil
}

// Ended says that the campaign is over.
type Ended struct{}

// EventName implements entity.Event.
func (Ended) EventName() string { return "CampaignFinished" }

// Finish ends a launched campaign.
func (c *Campaign) Finish(now time.Time) ([]entity.Event, error) {
	switch c.Status {
	case Finished:
		return nil, errFinished
	case Draft:
		return nil, errNotLaunched
	}
	c.Status, c.FinishTime = Finished, &now
	return []entity.Event{Ended{}}, nil
}

// Remove says whether the campaign may be deleted.
func (c *Campaign) Remove() error {
	if c.Status == Running {
		return errRunning
	}
	return nil
}

// Sending says whether touches may be sent now.
func (c *Campaign) Sending() error {
	switch {
	case c.Status == Finished:
		return errFinished
	case c.Status != Running || c.Deleted():
		return errNotRunning
	}
	return nil
}

// WasLaunched says whether the campaign has an audience.
func (c *Campaign) WasLaunched() error {
	if c.Status == Draft {
		return errNotLaunched
	}
	return nil
}

// Actions answers what may be done next, as the names of RPCs.
func (c *Campaign) Actions() []string {
	if c.Deleted() {
		return []string{"UndeleteCampaign"}
	}
	switch c.Status {
	case Draft:
		return []string{"UpdateCampaign", "DeleteCampaign", "LaunchCampaign"}
	case Running:
		return []string{"UpdateCampaign", "PauseCampaign", "FinishCampaign", "SendTouch"}
	case Paused:
		return []string{"UpdateCampaign", "DeleteCampaign", "ResumeCampaign", "FinishCampaign"}
	default:
		return []string{"UpdateCampaign", "DeleteCampaign"}
	}
}
