package disclosure_test

import (
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/services/contact/internal/consent"
	"github.com/lingkar-crm/lingkar/services/contact/internal/disclosure"
)

// A18: the flag blocks third parties alone, restriction everybody outside, and the
// unknown nobody but ourselves gets.
func TestDecide(t *testing.T) {
	t.Parallel()
	open := disclosure.Subject{Sharing: consent.NeverGranted}
	flagged, restricted, deleted := open, open, open
	flagged.NoThirdPartySharing, restricted.Restricted, deleted.Deleted = true, true, true
	revoked := disclosure.Subject{Sharing: consent.ByRevocation}
	const let = disclosure.Reason(0)
	for name, c := range map[string]struct {
		subject *disclosure.Subject
		// want is by class: the contact itself, we, a processor, a third party.
		want [4]disclosure.Reason
	}{
		"open":       {&open, [4]disclosure.Reason{let, let, let, let}},
		"flagged":    {&flagged, [4]disclosure.Reason{let, let, let, disclosure.NoThirdPartySharing}},
		"revoked":    {&revoked, [4]disclosure.Reason{let, let, let, disclosure.ConsentRevoked}},
		"restricted": {&restricted, [4]disclosure.Reason{let, let, disclosure.Restricted, disclosure.Restricted}},
		"deleted":    {&deleted, [4]disclosure.Reason{let, let, disclosure.ContactUnknown, disclosure.ContactUnknown}},
		"unknown":    {nil, [4]disclosure.Reason{let, let, disclosure.ContactUnknown, disclosure.ContactUnknown}},
	} {
		for i, want := range c.want {
			if got := disclosure.Decide(disclosure.Class(i+1), c.subject); got != want {
				t.Errorf("%s to %s: %d, want %d", name, disclosure.Class(i+1), got, want)
			}
		}
	}
}

// GDPR, article 19: of an erasure hears who got something of the contact, whatever it
// allowed, and nobody else outside.
func TestDecideErasure(t *testing.T) {
	t.Parallel()
	const let, unknown = disclosure.Reason(0), disclosure.ContactUnknown
	for name, c := range map[string]struct {
		subject *disclosure.Subject
		outside disclosure.Reason
	}{
		"got something":       {&disclosure.Subject{Deleted: true, Erased: true, Received: true, Restricted: true, NoThirdPartySharing: true}, let},
		"got nothing":         {&disclosure.Subject{Deleted: true, Erased: true}, unknown},
		"was not erased":      {&disclosure.Subject{Received: true}, unknown},
		"is nobody's of ours": {nil, unknown},
	} {
		for i, want := range [4]disclosure.Reason{let, let, c.outside, c.outside} {
			if got := disclosure.DecideErasure(disclosure.Class(i+1), c.subject); got != want {
				t.Errorf("%s, to %s: %d, want %d", name, disclosure.Class(i+1), got, want)
			}
		}
	}
}

// A contract that has ended makes a processor a third party, and so does its removal.
func TestRecipient_ClassAt(t *testing.T) {
	t.Parallel()
	end := time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)
	r := disclosure.Recipient{Class: disclosure.Processor, ContractEnd: &end}
	if got := r.ClassAt(end.Add(-time.Second)); got != disclosure.Processor {
		t.Errorf("under contract: %s", got)
	}
	if got := r.ClassAt(end); got != disclosure.ThirdParty {
		t.Errorf("after its end: %s", got)
	}
	r.ContractEnd, r.DeleteTime = nil, &end
	if got := r.ClassAt(end); got != disclosure.ThirdParty {
		t.Errorf("taken off the file: %s", got)
	}
}
