package consent_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/contact/internal/consent"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
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
		"restricted":                {[]*consent.Entry{entry(consent.Granted, 0, 1)}, consent.Subject{Restricted: true}, "marketing", email, consent.ByRestriction},
		"objected later":            {[]*consent.Entry{entry(consent.Granted, 0, 2), entry(consent.Objected, 0, 1)}, consent.Subject{}, "marketing", email, consent.ByObjection},
		"objected, granted anew":    {[]*consent.Entry{entry(consent.Objected, 0, 2), entry(consent.Granted, 0, 1)}, consent.Subject{}, "marketing", email, consent.ByGrant},
		"at once: objection wins":   {[]*consent.Entry{entry(consent.Objected, 0, 1), entry(consent.Revoked, 0, 1)}, consent.Subject{}, "marketing", email, consent.ByObjection},
		"contract":                  {nil, consent.Subject{}, consent.Transactional, email, consent.ByContract},
		"third parties (A18)":       {nil, consent.Subject{NoThirdPartySharing: true}, consent.ThirdPartySharing, 0, consent.NoThirdPartySharing},
		"own marketing despite A18": {[]*consent.Entry{entry(consent.Granted, 0, 1)}, consent.Subject{NoThirdPartySharing: true}, "marketing", email, consent.ByGrant},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := consent.Decide(consent.Question{Entries: c.entries, Subject: c.subject, Purpose: consent.OffFile(c.purpose), Channel: c.channel, At: noon})
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
	if got := consent.Decide(consent.Question{Entries: []*consent.Entry{no}, Purpose: consent.OffFile(consent.Transactional), Channel: email, At: noon}); got.Allowed || got.Proof != no {
		t.Errorf("got %+v", got)
	}
}

// What a purpose rests on decides where the ledger is silent, and how far a no
// reaches.
func TestDecide_basis(t *testing.T) {
	t.Parallel()
	granted, objected, revoked := entry(consent.Granted, 0, 40), entry(consent.Objected, 0, 1), entry(consent.Revoked, 0, 1)
	for name, c := range map[string]struct {
		purpose consent.Purpose
		entries []*consent.Entry
		want    consent.Reason
	}{
		"a law":                         {consent.Purpose{Basis: consent.LegalObligation}, nil, consent.ByLegalObligation},
		"a law, objected":               {consent.Purpose{Basis: consent.LegalObligation}, []*consent.Entry{objected}, consent.ByLegalObligation},
		"an interest":                   {consent.Purpose{Basis: consent.LegitimateInterest}, nil, consent.ByLegitimateInterest},
		"an interest, objected":         {consent.Purpose{Basis: consent.LegitimateInterest}, []*consent.Entry{objected}, consent.ByObjection},
		"a contract":                    {consent.Purpose{Basis: consent.Contract}, nil, consent.ByContract},
		"a contract, revoked":           {consent.Purpose{Basis: consent.Contract}, []*consent.Entry{revoked}, consent.ByRevocation},
		"a grant within its days":       {consent.Purpose{Basis: consent.Agreement, ConsentDays: 41}, []*consent.Entry{granted}, consent.ByGrant},
		"a grant at the end of its day": {consent.Purpose{Basis: consent.Agreement, ConsentDays: 40}, []*consent.Entry{granted}, consent.Expired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.purpose.Code = "marketing"
			if got := consent.Decide(consent.Question{Entries: c.entries, Purpose: c.purpose, Channel: email, At: noon}); got.Reason != c.want {
				t.Errorf("reason %d, want %d", got.Reason, c.want)
			}
		})
	}
}

// CON-47: who named the hours in which it may be called is not called at others; mail
// waits by itself, and what a contract needs does not ask.
func TestDecide_hours(t *testing.T) {
	t.Parallel()
	const mobile = 6
	evening := &contact.Preference{Hours: "18:00-20:00", TimeZone: "Asia/Jakarta"} // 11:00 to 13:00 UTC
	for name, c := range map[string]struct {
		hour    int
		channel int32
		purpose string
		want    consent.Reason
	}{
		"within":         {12, phone, "marketing", consent.ByGrant},
		"before":         {10, phone, "marketing", consent.QuietHours},
		"at the end":     {13, mobile, "marketing", consent.QuietHours},
		"mail":           {10, email, "marketing", consent.ByGrant},
		"for a contract": {10, phone, consent.Transactional, consent.ByContract},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := time.Date(2026, 11, 21, c.hour, 0, 0, 0, time.UTC)
			got := consent.Decide(consent.Question{
				Entries: []*consent.Entry{entry(consent.Granted, 0, 1)}, Subject: consent.Subject{Preference: evening},
				Purpose: consent.OffFile(c.purpose), Channel: c.channel, At: at,
			})
			if got.Reason != c.want || (got.HoursBegin != nil) != (c.want == consent.QuietHours) {
				t.Fatalf("reason %d, want %d; again at %v", got.Reason, c.want, got.HoursBegin)
			}
			if got.HoursBegin != nil && (got.HoursBegin.UTC().Hour() != 11 || !got.HoursBegin.After(at)) {
				t.Errorf("again at %v", got.HoursBegin)
			}
		})
	}
}

// The order in which entries are read does not matter.
func TestDecide_orderOfReading(t *testing.T) {
	t.Parallel()
	var ledger []*consent.Entry
	for n := range 12 {
		ledger = append(ledger, entry(consent.State(1+n%3), int32(n%2*4), n/3))
	}
	question := consent.Question{Entries: ledger, Purpose: consent.OffFile("marketing"), Channel: 4, At: noon}
	want := consent.Decide(question)
	for range 50 {
		shuffled := slices.Clone(ledger)
		rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		question.Entries = shuffled
		if got := consent.Decide(question); got != want {
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
