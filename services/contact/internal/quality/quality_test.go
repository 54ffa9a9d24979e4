package quality_test

import (
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/quality"
)

// CON-21: what is there, how lately it was verified, and what is used.
func TestRate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	p := quality.Default()
	p.Person = map[string]int{"email": 3, "phone": 1}
	for what, c := range map[string]struct {
		facts quality.Facts
		want  quality.Rating
	}{
		"nothing": {quality.Facts{}, quality.Rating{Score: 50, Freshness: 100, Relevance: 100, Missing: quality.SetOf("email", "phone")}},
		"there, never verified": {
			quality.Facts{Present: quality.SetOf("email", "phone")}, quality.Rating{Score: 70, Completeness: 100, Relevance: 100},
		},
		"all well": {
			quality.Facts{Present: quality.SetOf("email", "phone"), Verified: map[string]time.Time{"email": ago(365), "phone": ago(0)}},
			quality.Rating{Score: 100, Completeness: 100, Freshness: 100, Relevance: 100},
		},
		"half stale": {
			quality.Facts{Present: quality.SetOf("email"), Verified: map[string]time.Time{"email": ago(366)}},
			quality.Rating{Score: 73, Completeness: 75, Freshness: 50, Relevance: 100, Missing: quality.SetOf("phone")},
		},
		"stale": {
			quality.Facts{Present: quality.SetOf("email"), Verified: map[string]time.Time{"email": ago(731)}},
			quality.Rating{Score: 58, Completeness: 75, Relevance: 100, Missing: quality.SetOf("phone")},
		},
		"what is used is not there": {
			quality.Facts{Present: quality.SetOf("email"), Used: quality.SetOf("email", "birthday")},
			quality.Rating{Score: 48, Completeness: 75, Relevance: 50, Missing: quality.SetOf("phone")},
		},
	} {
		c.facts.Kind = contact.Person
		if got := p.Rate(c.facts, now); got != c.want {
			t.Errorf("%s: %+v, want %+v", what, got, c.want)
		}
	}
	fixes := p.Fixes(quality.Facts{Kind: contact.Person, Present: quality.SetOf("phone")}, now)
	if len(fixes) != 2 || fixes[0].Field != "email" || fixes[0].Flaw != quality.Missing || fixes[1].Flaw != quality.Unverified || fixes[0].Gain <= fixes[1].Gain {
		t.Errorf("to fix next: %+v", fixes)
	}
	if next := p.Changes(quality.Facts{Verified: map[string]time.Time{"email": ago(400)}}, now); !next.Equal(ago(400).Add(730 * 24 * time.Hour)) {
		t.Errorf("changes next at %s", next)
	}
}

// Sets are stored: what a bit stands for may never change.
func TestSet_staysTheSame(t *testing.T) {
	t.Parallel()
	for name, bit := range map[string]quality.Set{"display_name": 1, "birthday": 1 << 5, "email": 1 << 6, "owner": 1 << 12} {
		if got := quality.SetOf(name); got != bit {
			t.Errorf("%s is %b, want %b", name, got, bit)
		}
	}
}
