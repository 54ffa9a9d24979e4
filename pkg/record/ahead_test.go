package record_test

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/record"
)

// pieces adds the rows to a unit and sends them ahead by threes; it counts how often
// the unit was committed.
func (h *house) pieces(rows []*person, committed *int) func(u *record.Unit) (*emptypb.Empty, error) {
	return func(u *record.Unit) (*emptypb.Empty, error) {
		u.Then(func() { *committed++ })
		for n, row := range rows {
			fresh := *row
			if err := h.store.AddIn(u, &fresh); err != nil {
				return nil, err
			}
			if n%3 == 2 {
				if err := u.Ahead(); err != nil {
					return nil, err
				}
			}
		}
		return &emptypb.Empty{}, nil
	}
}

// What is sent ahead is one transaction with the rest: all of it arrives, with its
// events in their order, and a repeated request leaves nothing more.
func TestUnit_Ahead(t *testing.T) {
	t.Parallel()
	h := open(t)
	rows, ids := h.many(20)
	committed := 0
	for range 2 {
		if _, err := record.Write(h.request("r-1", "same"), h.db, h.log, h.tenant, h.pieces(rows, &committed)); err != nil {
			t.Fatal(err)
		}
		h.wantRows(20, 40, 20)
	}
	if committed != 1 {
		t.Errorf("told of %d commits, want 1", committed)
	}
	if n := h.count("SELECT count(*) FROM (SELECT aggregate, lag(aggregate) OVER (ORDER BY position) AS before FROM event_log) e WHERE aggregate < before"); n != 0 {
		t.Errorf("%d events of %d are out of order", n, len(ids))
	}
}

// A piece that is refused takes all of them back, whichever it is; so does an error of
// the unit's own while a piece is under way, and a call that only asks to check.
func TestUnit_Ahead_takenBack(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := h.as(h.tenant)
	committed := 0
	for twin, all := range map[int]int{1: 13, 5: 13, 11: 12, 12: 13} {
		rows, _ := h.many(all)
		rows[twin].Number = rows[0].Number
		_, err := record.Write(ctx, h.db, h.log, h.tenant, h.pieces(rows, &committed))
		wantReason(t, "a number that is taken", err, "NUMBER_TAKEN")
	}
	rows, _ := h.many(7)
	own := errors.New("no more")
	_, err := record.Write(ctx, h.db, h.log, h.tenant, func(u *record.Unit) (*emptypb.Empty, error) {
		if _, err := h.pieces(rows, &committed)(u); err != nil {
			return nil, err
		}
		return nil, errors.Join(own, u.Ahead())
	})
	if !errors.Is(err, own) {
		t.Errorf("answered %v, want %v", err, own)
	}
	check := call.With(ctx, call.Info{Method: "/m", ValidateOnly: true})
	if _, err := record.Write(check, h.db, h.log, h.tenant, h.pieces(rows, &committed)); err != nil {
		t.Error(err)
	}
	h.wantRows(0, 0, 0)
	if committed != 0 {
		t.Errorf("told of %d commits, want none", committed)
	}
	if _, err := record.Write(ctx, h.db, h.log, h.tenant, h.pieces(rows, &committed)); err != nil || committed != 1 {
		t.Errorf("after all that: %v, told of %d commits", err, committed)
	}
	h.wantRows(7, 14, 7)
}
