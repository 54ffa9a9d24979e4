package record

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/failpoint"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// Once does work of an operator that is about no aggregate, as role relay, whom the
// rows of all tenants concern. The answer is kept in the transaction of the work, so
// that a repeated request is answered as the first one was, and its work is not done
// twice, whenever a process ends.
//
// What fn answers as refused goes to the caller as the error it is, with what was
// done until then committed and no answer kept: a repetition tries again. An error
// takes everything back. After a deadlock fn runs again.
func Once[R proto.Message](ctx context.Context, db *postgres.DB, log *eventlog.Log, tenant uuid.UUID, fn func(tx pgx.Tx) (answer R, refused, err error)) (R, error) {
	var answer R
	var refused error
	var u *Unit
	err := postgres.InTx(ctx, db.System, func(tx pgx.Tx) (err error) {
		u = newUnit(ctx, log, tenant, &pgx.Batch{})
		u.sender = tx
		u.open()
		if err := u.send(); err != nil {
			return err
		}
		answer, refused, err = fn(tx)
		if err == nil && refused == nil {
			err = u.keep(answer)
		}
		if err == nil {
			err = u.flush()
		}
		if err == nil {
			err = failpoint.Hit(failpoint.WriteBeforeCommit)
		}
		return err
	})
	if u != nil && u.request.found {
		answer, err = replay[R](&u.request)
	}
	if answer, err = settle(db, u, answer, err); err == nil {
		err = refused
	}
	return answer, err
}
