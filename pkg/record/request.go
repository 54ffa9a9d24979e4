package record

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/failpoint"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

var (
	// errKeyReused says that a request id came with another request (AIP-155).
	errKeyReused = errs.Invalid("request_id", "IDEMPOTENCY_KEY_REUSED", "this request_id was used for another request")
	errInFlight  = errs.Aborted("REQUEST_IN_FLIGHT", "a request with this request_id is still being worked on: retry")
	errErased    = errs.Refused("CONTACT_ERASED", "the answer to this request was erased with its contact")
)

// request is the request id of a call on its way through a transaction, with the
// answer that was kept for it, if any.
type request struct {
	// tenant is the caller's, whose ids these are; within is the transaction's.
	tenant, within uuid.UUID
	subject        string
	info           call.Info
	// claimed is set when no twin of the request is being worked on any more.
	claimed bool
	// found is set when it was answered before.
	found          bool
	hash, response []byte
	position       *int64
}

func requestOf(ctx context.Context, tenant uuid.UUID) request {
	r := request{tenant: tenant, within: tenant, info: call.From(ctx)}
	if caller, ok := auth.FromOK(ctx); ok {
		r.subject = caller.Subject
		if caller.Tenant != auth.NoTenant && caller.Tenant != uuid.Nil {
			r.tenant = caller.Tenant
		}
	}
	return r
}

// asCaller queues statements about the answers kept for the caller's tenant, where the
// transaction is another tenant's: an operator's request means one request, whatever
// tenant it is about.
func (r *request) asCaller(b *pgx.Batch, queue func()) {
	if r.tenant == r.within {
		queue()
		return
	}
	postgres.QueueTenant(b, r.tenant)
	queue()
	postgres.QueueTenant(b, r.within)
}

// given reports whether the call is to be answered once. One that only checks is
// not.
func (r *request) given() bool { return r.info.RequestID != "" && !r.info.ValidateOnly }

// claim queues waiting for twins of the requests, until those have committed or given
// up. Several are claimed in the order of their names, so that no two transactions wait
// for each other.
func claim(b *pgx.Batch, all ...*request) {
	var twins []string
	for _, r := range all {
		if r.given() {
			twins = append(twins, r.tenant.String()+"\n"+r.subject+"\n"+r.info.Method+"\n"+r.info.RequestID)
		}
	}
	var query *pgx.QueuedQuery
	switch len(twins) {
	case 0:
		return
	case 1:
		query = b.Queue("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", twins[0])
	default:
		slices.Sort(twins)
		query = b.Queue("SELECT pg_advisory_xact_lock(hashtextextended(t.twin, 0)) FROM unnest($1::text[]) AS t (twin)", twins)
	}
	query.Exec(func(pgconn.CommandTag) error {
		for _, r := range all {
			r.claimed = true
		}
		return nil
	})
}

// look queues looking for the answer.
func (r *request) look(b *pgx.Batch) {
	if !r.given() {
		return
	}
	r.asCaller(b, func() {
		b.Queue(`
			SELECT hash, response, position FROM idempotency
			WHERE tenant = $1 AND subject = $2 AND method = $3 AND key = $4`,
			r.tenant, r.subject, r.info.Method, r.info.RequestID,
		).QueryRow(func(row pgx.Row) error {
			err := row.Scan(&r.hash, &r.response, &r.position)
			if errors.Is(err, pgx.ErrNoRows) {
				return nil
			}
			r.found = err == nil
			return err
		})
	})
}

// lookAgain looks for the answer in a round trip of its own.
func (r *request) lookAgain(ctx context.Context, db *postgres.DB) error {
	b := &pgx.Batch{}
	postgres.QueueTenant(b, r.tenant)
	r.look(b)
	return postgres.Run(ctx, db, b)
}

// lost reports whether an error may come from a twin that was faster: its answer, or
// its row, is there already, or what it rested on is not there any more.
func (r *request) lost(err error) bool {
	var pg *pgconn.PgError
	constraint := errors.As(err, &pg) && strings.HasPrefix(pg.Code, "23")
	return r.given() && (constraint || errs.Code(err) == codes.AlreadyExists)
}

// inFlight reports whether an error says that a twin is being worked on.
func (r *request) inFlight(err error) bool {
	var pg *pgconn.PgError
	return r.given() && !r.claimed && errors.As(err, &pg) && pg.Code == "55P03"
}

// replay answers what was answered before, where the request is the same.
func replay[R proto.Message](r *request) (R, error) {
	var none R
	answer := none.ProtoReflect().New().Interface().(R)
	if err := r.replayInto(answer); err != nil {
		return none, err
	}
	return answer, nil
}

// replayInto is replay for an answer of a type known when the program runs.
func (r *request) replayInto(answer proto.Message) error {
	switch {
	case string(r.hash) != string(r.info.Hash[:]):
		return errKeyReused
	case r.response == nil:
		return errErased
	}
	if err := failpoint.Hit(failpoint.WriteReplay); err != nil {
		return err
	}
	return proto.Unmarshal(r.response, answer)
}
