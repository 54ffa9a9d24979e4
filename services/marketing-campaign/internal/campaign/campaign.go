// Package campaign holds the rules of a campaign from draft to end, and of its
// texts.
//
// What is said to whom, on which channel and with whose consent is fixed when a
// campaign is launched; the rest may change at any time. The rules know one
// campaign: whether its segment has members is asked of the segment.
package campaign

import (
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/template"
)

// Kind is what a campaign is to reach. The numbers are those of the contract.
type Kind int32

// The kinds.
const (
	CrossSell Kind = iota + 1
	UpSell
	Retention
	Acquisition
	Event
)

// Status is where a campaign stands. The numbers are those of the contract.
type Status int32

// The statuses.
const (
	Draft Status = iota + 1
	Running
	Paused
	Finished
)

// Content is what is said to whom, fixed once the campaign is launched.
type Content struct {
	Segment uuid.UUID `db:"segment"`
	// Channel is a number of lingkar.event.v1.Channel.
	Channel int32  `db:"channel"`
	Subject string `db:"subject"`
	Body    string `db:"body"`
	// RequiresConsent asks for a consent to marketing before a contact is touched.
	RequiresConsent bool `db:"requires_consent"`
}

// Campaign is one message to the members of one segment.
type Campaign struct {
	entity.Meta
	Content
	DisplayName string `db:"display_name"`
	Description string `db:"description"`
	Kind        Kind   `db:"kind"`
	// BudgetCurrency is empty where no budget was given.
	BudgetCurrency string        `db:"budget_currency"`
	BudgetAmount   money.Decimal `db:"budget_amount"`
	Status         Status        `db:"status"`
	// SegmentVersion is the version of the segment it was launched with; 0 before.
	SegmentVersion int32      `db:"segment_version"`
	LaunchTime     *time.Time `db:"launch_time"`
	FinishTime     *time.Time `db:"finish_time"`
}

// Budget answers what the campaign may cost; zero where that was not said.
func (c *Campaign) Budget() money.Money { return money.Of(c.BudgetCurrency, c.BudgetAmount) }

// SetBudget sets what the campaign may cost.
func (c *Campaign) SetBudget(m money.Money) {
	c.BudgetCurrency, c.BudgetAmount = m.Currency, m.Decimal()
}

// What a status does not allow.
var (
	errLaunched    = errs.Refused("CAMPAIGN_LAUNCHED", "the campaign is launched: what it says to whom is fixed")
	errNotLaunched = errs.Refused("CAMPAIGN_NOT_LAUNCHED", "the campaign is not launched yet")
	errRunning     = errs.Refused("CAMPAIGN_RUNNING", "the campaign is running: pause or finish it first")
	errNotRunning  = errs.Refused("CAMPAIGN_NOT_RUNNING", "the campaign is not running")
	errNotPaused   = errs.Refused("CAMPAIGN_NOT_PAUSED", "the campaign is not paused")
	errFinished    = errs.Refused("CAMPAIGN_FINISHED", "the campaign is finished")
	errRewritten   = errs.Aborted("CAMPAIGN_CHANGED", "the campaign was given another segment meanwhile: read it again")
)

// Write sets what is said to whom, of a draft. It does not check the texts:
// Texts does.
func (c *Campaign) Write(content Content) error {
	if c.Status == 0 {
		c.Status = Draft
	}
	if c.Status != Draft && c.Content != content {
		return errLaunched
	}
	c.Content = content
	return nil
}

// Texts are the templates of a campaign's messages.
type Texts struct {
	Subject, Body template.Template
}

// Texts parses the templates. The violations name the fields from the campaign on.
func (c Content) Texts() (Texts, []errs.Violation) {
	var (
		t     Texts
		wrong []errs.Violation
		err   error
	)
	note := func(field string, err error) {
		if err != nil {
			wrong = append(wrong, errs.Violation{Field: field, Reason: "TEMPLATE_INVALID", Description: err.Error()})
		}
	}
	t.Subject, err = template.Parse(c.Subject)
	note("subject", err)
	t.Body, err = template.Parse(c.Body)
	note("body", err)
	return t, wrong
}
