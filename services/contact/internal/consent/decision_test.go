package consent_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/contact/internal/consent"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

const email, phone = 3, 2

func entry(state consent.State, channel int32, daysAgo int) *consent.Entry {
	return &consent.Entry{
		Meta: entity.Meta{ID: entity.NewID()}, Purpose: "marketing", Channel: channel, State: state, OccurredAt: noon.AddDate(0, 0, -daysAgo),
	}
}

// CON-44: default deny, and the latest word counts.
func TestDecide(t *testing.T) {
	t.Parallel()
	expired := entry(consent.Granted, 0, 10)
	end := noon.AddDate(0, 0, -1)
	expired.ExpireTime = &end
	for name, c := range map[string]struct {
		entries []*consent.Entry
		subject consent.Subject
		purpose string
		channel int32
		want    consent.Reason
	}{
		"nothing said":              {nil, consent.Subject{}, "marketing", email, consent.NeverGranted},
		"granted for all":           {[]*consent.Entry{entry(consent.Granted, 0, 1)}, consent.Subject{}, "marketing", email, consent.ByGrant},
		"granted for this":          {[]*consent.Entry{entry(consent.Granted, email, 1)}, consent.Subject{}, "marketing", email, consent.ByGrant},
		"granted for another":       {[]*consent.Entry{entry(consent.Granted, phone, 1)}, consent.Subject{}, "marketing", email, consent.NeverGranted},
		"other purpose":             {[]*consent.Entry{entry(consent.Granted, 0, 1)}, consent.Subject{}, "profiling", email, consent.NeverGranted},
		"revoked here later":        {[]*consent.Entry{entry(consent.Granted, 0, 2), entry(consent.Revoked, email, 1)}, consent.Subject{}, "marketing", email, consent.ByRevocation},
		"revoked elsewhere":         {[]*consent.Entry{entry(consent.Granted, 0, 2), entry(consent.Revoked, email, 1)}, consent.Subject{}, "marketing", phone, consent.ByGrant},
		"revoked for all":           {[]*consent.Entry{entry(consent.Granted, email, 2), entry(consent.Revoked, 0, 1)}, consent.Subject{}, "marketing", email, consent.ByRevocation},
		"granted again":             {[]*consent.Entry{entry(consent.Revoked, 0, 2), entry(consent.Granted, email, 1)}, consent.Subject{}, "marketing", email, consent.ByGrant},
		"at once: no wins":          {[]*consent.Entry{entry(consent.Revoked, 0, 1), entry(consent.Granted, 0, 1)}, consent.Subject{}, "marketing", email, consent.ByRevocation},
		"one channel is not all":    {[]*consent.Entry{entry(consent.Granted, email, 1)}, consent.Subject{}, "marketing", 0, consent.NeverGranted},
		"expired":                   {[]*consent.Entry{expired}, consent.Subject{}, "marketing", email, consent.Expired},
		"deleted":                   {[]*consent.Entry{entry(consent.Granted, 0, 1)}, consent.Subject{Deleted: true}, "marketing", email, consent.ContactDeleted},
		"contract":                  {nil, consent.Subject{}, consent.Transactional, email, consent.ByContract},
		"third parties (A18)":       {nil, consent.Subject{NoThirdPartySharing: true}, consent.ThirdPartySharing, 0, consent.NoThirdPartySharing},
		"own marketing despite A18": {[]*consent.Entry{entry(consent.Granted, 0, 1)}, consent.Subject{NoThirdPartySharing: true}, "marketing", email, consent.ByGrant},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := consent.Decide(c.entries, c.subject, c.purpose, c.channel, noon)
			if got.Reason != c.want {
				t.Errorf("reason %d, want %d", got.Reason, c.want)
			}
			if got.Allowed != (c.want == consent.ByGrant || c.want == consent.ByContract) {
				t.Errorf("allowed %v for reason %d", got.Allowed, got.Reason)
			}
		})
	}
}

func TestDecide_contractCanBeRevoked(t *testing.T) {
	t.Parallel()
	no := entry(consent.Revoked, email, 1)
	no.Purpose = consent.Transactional
	if got := consent.Decide([]*consent.Entry{no}, consent.Subject{}, consent.Transactional, email, noon); got.Allowed || got.Proof != no {
		t.Errorf("got %+v", got)
	}
}

// The order in which entries are read does not matter.
func TestDecide_orderOfReading(t *testing.T) {
	t.Parallel()
	var ledger []*consent.Entry
	for n := range 12 {
		ledger = append(ledger, entry(consent.State(1+n%2), int32(n%3), n/2))
	}
	want := consent.Decide(ledger, consent.Subject{}, "marketing", 1, noon)
	for range 50 {
		shuffled := slices.Clone(ledger)
		rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if got := consent.Decide(shuffled, consent.Subject{}, "marketing", 1, noon); got != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	later, earlier := noon.Add(time.Hour), noon.Add(-time.Hour)
	for name, c := range map[string]struct {
		entry consent.Entry
		field string
	}{
		"now":                    {consent.Entry{State: consent.Granted}, ""},
		"a clock that is ahead":  {consent.Entry{State: consent.Granted, OccurredAt: noon.Add(time.Minute)}, ""},
		"in the future":          {consent.Entry{State: consent.Granted, OccurredAt: later}, "consent.occurred_at"},
		"a grant with an end":    {consent.Entry{State: consent.Granted, ExpireTime: &later}, ""},
		"an end before it began": {consent.Entry{State: consent.Granted, ExpireTime: &earlier}, "consent.expire_time"},
		"a revocation that ends": {consent.Entry{State: consent.Revoked, ExpireTime: &later}, "consent.expire_time"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			for _, v := range errs.FieldViolations(c.entry.Record(noon)) {
				got = v.Field
			}
			if got != c.field {
				t.Errorf("violation of %q, want %q", got, c.field)
			}
			if c.entry.OccurredAt.IsZero() {
				t.Error("it is not dated")
			}
		})
	}
}
