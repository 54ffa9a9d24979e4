package record_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/record"
)

// many answers n new persons whose keys are at hand.
func (h *house) many(n int) (rows []*person, ids []uuid.UUID) {
	for i := range n {
		p := &person{Meta: entity.Meta{ID: entity.NewID()}, Number: fmt.Sprint("M-", i), Given: "Siti", Tags: []string{"one", "two"}}
		rows, ids = append(rows, p), append(ids, p.ID)
	}
	if err := h.keys.Fetch(h.t.Context(), h.tenant, ids...); err != nil {
		h.t.Fatal(err)
	}
	return rows, ids
}

// Many rows of one unit are few statements, and leave what one unit each would.
func TestWrite_manyRows(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := h.as(h.tenant)
	rows, ids := h.many(100)
	add := func(u *record.Unit) (*emptypb.Empty, error) {
		for _, row := range rows {
			if err := h.store.AddIn(u, row); err != nil {
				return nil, err
			}
		}
		return &emptypb.Empty{}, nil
	}
	if _, err := record.Write(ctx, h.db, h.log, h.tenant, add); err != nil {
		t.Fatal(err)
	}
	h.wantRows(100, 200, 100)
	h.keys.Drop(h.tenant, ids[0]) // and others: all are fetched at once, or the unit fails
	for _, id := range ids[1:20] {
		h.keys.Drop(h.tenant, id)
	}
	change := func(u *record.Unit) (*emptypb.Empty, error) {
		locked, err := h.store.LockAllIn(u, append(ids, uuid.New()))
		if err != nil {
			return nil, err
		}
		if len(locked) != 100 {
			t.Errorf("%d rows, want 100", len(locked))
		}
		for _, row := range locked {
			for _, to := range []string{"Dewi", "Sari"} {
				if err := h.store.DecideIn(u, row, rename(to)); err != nil {
					return nil, err
				}
			}
			refusal := errs.Invalid("given_name", "", "no")
			err := h.store.DecideIn(u, row, func(p *person) ([]entity.Event, error) { p.Given = "Nobody"; return nil, refusal })
			if errs.Reason(err) != errs.Reason(refusal) || row.Given != "Sari" {
				t.Errorf("%v left %q", err, row.Given)
			}
		}
		return &emptypb.Empty{}, nil
	}
	if _, err := record.Write(ctx, h.db, h.log, h.tenant, change); err != nil {
		t.Fatal(err)
	}
	h.wantRows(100, 200, 300)
	if n := h.count("SELECT count(*) FROM person WHERE given_name = 'Sari' AND seq = 3"); n != 100 {
		t.Errorf("%d rows are as last changed, want 100", n)
	}
	if n := h.count(`SELECT count(*) FROM event_log a JOIN event_log b USING (tenant, aggregate) WHERE a.aggregate_seq < b.aggregate_seq AND a.position > b.position`); n != 0 {
		t.Errorf("%d pairs of events are in the wrong order", n)
	}
}

// wantRows counts what units have left.
func (h *house) wantRows(persons, tags, events int) {
	h.t.Helper()
	for query, want := range map[string]int{
		"SELECT count(*) FROM person": persons, "SELECT count(*) FROM tag": tags, "SELECT count(*) FROM event_log": events,
		"SELECT count(*) FROM outbox": events, "SELECT count(*) FROM audit": events,
	} {
		if n := h.count(query); n != want {
			h.t.Errorf("%s: %d, want %d", query, n, want)
		}
	}
}

// Rows that the caller's scope does not reach, and those of another tenant, are not
// among those that are locked.
func TestLockAllIn_scope(t *testing.T) {
	t.Parallel()
	h := open(t)
	rows, ids := h.many(3)
	rows[0].Owner, rows[1].Team, rows[2].Owner = "users/siti", "teams/a", "users/other"
	_, err := record.Write(h.as(h.tenant), h.db, h.log, h.tenant, func(u *record.Unit) (*emptypb.Empty, error) {
		for _, row := range rows {
			if err := h.store.AddIn(u, row); err != nil {
				return nil, err
			}
		}
		return &emptypb.Empty{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		tenant uuid.UUID
		scope  auth.Scope
		want   int
	}{{h.tenant, auth.All, 3}, {h.tenant, auth.Team, 2}, {h.tenant, auth.Own, 1}, {h.tenant, auth.None, 0}, {h.another, auth.All, 0}} {
		ctx := auth.WithScope(h.as(c.tenant), c.scope)
		_, err := record.Write(ctx, h.db, h.log, c.tenant, func(u *record.Unit) (*emptypb.Empty, error) {
			locked, err := h.store.LockAllIn(u, ids)
			if len(locked) != c.want {
				t.Errorf("scope %d: %d rows, want %d", c.scope, len(locked), c.want)
			}
			return &emptypb.Empty{}, err
		})
		if err != nil {
			t.Error(err)
		}
	}
}
