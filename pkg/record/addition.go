package record

import (
	"bytes"
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// addition is a call that adds a row, which it knows whole before the transaction: so it
// may share that with others (postgres.Share).
type addition struct {
	ctx    context.Context
	log    *eventlog.Log
	tenant uuid.UUID
	// first is the contact that the row concerns first; uuid.Nil where it concerns none.
	first  uuid.UUID
	answer proto.Message
	// insert adds the row to a unit.
	insert func(u *Unit)
	// unit is that of the last attempt.
	unit *Unit
}

// submit stores the row; or stores it and takes it back, where the call only asks to
// check.
func (a *addition) submit(db *postgres.DB) error {
	queue := func(b *pgx.Batch) error { return a.Queue(b, nil) }
	request := requestOf(a.ctx, a.tenant)
	switch {
	case call.From(a.ctx).ValidateOnly:
		var queued error
		err := postgres.Decide(a.ctx, db,
			func(b *pgx.Batch) { queued = queue(b) },
			func(*pgx.Batch) error { return errChecked })
		if queued != nil {
			return queued
		}
		return err
	case request.tenant != request.within: // an operator's, of which there are few
		return postgres.Submit(a.ctx, db, queue)
	}
	return postgres.Share(a.ctx, db, a.tenant, a)
}

// Queue implements postgres.Part.
func (a *addition) Queue(b *pgx.Batch, further []postgres.Part) error {
	all := []*addition{a}
	for _, part := range further {
		all = append(all, part.(*addition))
	}
	// Rows of contacts are locked in one order, as everywhere (QueueLockAll).
	slices.SortStableFunc(all, func(x, y *addition) int { return bytes.Compare(x.first[:], y.first[:]) })
	postgres.QueueTenant(b, a.tenant)
	requests := make([]*request, len(all))
	for i, a := range all {
		a.unit = newUnit(a.ctx, a.log, a.tenant, b)
		requests[i] = &a.unit.request
	}
	claim(b, requests...)
	if len(all) == 1 {
		return a.queueAlone(b)
	}
	return queueTogether(b, all)
}

func (a *addition) queueAlone(b *pgx.Batch) error {
	a.insert(a.unit)
	if err := a.unit.keep(a.answer); err != nil {
		return err
	}
	a.unit.gather()
	return nil
}

// queueTogether queues the rows of each table in one statement for all calls, then all
// events, the audit entries and the answers that are kept. The position of each is that
// of all.
func queueTogether(b *pgx.Batch, all []*addition) error {
	lead := all[0].unit
	var answers []keptAnswer
	for _, a := range all {
		a.insert(a.unit)
		if a.unit.request.given() {
			answer, err := a.unit.answered(a.answer)
			if err != nil {
				return err
			}
			answers = append(answers, answer)
		}
		if a.unit != lead {
			lead.writes.Join(a.unit.writes)
			lead.happened = append(lead.happened, a.unit.happened...)
			lead.audits = append(lead.audits, a.unit.audits...)
		}
	}
	lead.told = func(position int64) {
		for _, a := range all {
			a.unit.position = position
		}
	}
	lead.gather()
	queueKept(b, answers...)
	return nil
}
