package postgres

import (
	"testing"

	"github.com/google/uuid"
)

// Where calls are refused again and again, fewer share a transaction and more run at a
// time, until each goes alone and none waits; where all goes well again, it is as before.
func TestShares_afterRefusals(t *testing.T) {
	t.Parallel()
	s, tenant := newShares(MaxConns), uuid.New()
	s.usual = 1
	enter := func() *sharer {
		own := &sharer{tenant: tenant, lead: make(chan []*sharer, 1)}
		if group := s.enter(own); group != nil {
			own.lead <- group
		}
		return own
	}
	runs := func(own *sharer) bool { return len(own.lead) > 0 }
	if first, second := enter(), enter(); !runs(first) || runs(second) {
		t.Fatal("of two calls one is to run")
	}
	for range 5 {
		s.note(tenant, errApart)
	}
	if s.lanes[tenant].most != 1 {
		t.Errorf("%d share after five refusals, want 1", s.lanes[tenant].most)
	}
	s.leave(tenant) // the second runs now
	for n := 2; n <= fewSharers; n++ {
		if !runs(enter()) {
			t.Errorf("call %d waits", n)
		}
	}
	if runs(enter()) {
		t.Errorf("more than %d run at a time", fewSharers)
	}
	for range sharers {
		s.note(tenant, nil)
	}
	for range fewSharers - 1 {
		s.leave(tenant)
	}
	if l := s.lanes[tenant]; l.running != 1 || l.most != sharers || len(l.waiting) != 1 {
		t.Errorf("%d run, %d wait, %d may share", l.running, len(l.waiting), l.most)
	}
	s.leave(tenant)
	s.leave(tenant)
	if len(s.lanes) != 0 {
		t.Errorf("%d tenants left where nobody calls", len(s.lanes))
	}
}
