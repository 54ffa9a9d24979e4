package record

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// errKeyReused says that a request id came with another request (AIP-155).
var errKeyReused = errs.Invalid("request_id", "IDEMPOTENCY_KEY_REUSED", "this request_id was used for another request")

// stored is the answer kept for a request id.
type stored struct{ hash, response []byte }

func (k *stored) found() bool { return k.hash != nil }

// queue queues looking for the answer, where the call has a request id.
func (k *stored) queue(ctx context.Context, b *pgx.Batch) {
	info := call.From(ctx)
	if info.RequestID == "" {
		return
	}
	caller := auth.From(ctx)
	b.Queue(`
		SELECT hash, response FROM idempotency
		WHERE tenant = $1 AND subject = $2 AND method = $3 AND key = $4`,
		caller.Tenant, caller.Subject, info.Method, info.RequestID,
	).QueryRow(func(row pgx.Row) error {
		err := row.Scan(&k.hash, &k.response)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
}

// lookUp looks for the answer in a round trip of its own.
func lookUp(ctx context.Context, db *postgres.DB, tenant uuid.UUID) (stored, error) {
	var kept stored
	if call.From(ctx).RequestID == "" {
		return kept, nil
	}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	kept.queue(ctx, b)
	return kept, postgres.Run(ctx, db, b)
}

// keep queues keeping the answer for the request id, where the call has one. For
// a call that only checks there is nothing to keep.
func keep(ctx context.Context, b *pgx.Batch, tenant, contact uuid.UUID, answer proto.Message) error {
	info := call.From(ctx)
	if info.ValidateOnly || info.RequestID == "" {
		return nil
	}
	response, err := proto.MarshalOptions{Deterministic: true}.Marshal(answer)
	if err != nil {
		return err
	}
	var about *uuid.UUID
	if contact != uuid.Nil {
		about = &contact
	}
	b.Queue(`
		INSERT INTO idempotency (tenant, subject, method, key, hash, response, contact, create_time)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		tenant, auth.From(ctx).Subject, info.Method, info.RequestID, info.Hash[:], response, about, time.Now().UTC())
	return nil
}

// replay answers what was answered before, where the request is the same.
func replay[P proto.Message](ctx context.Context, kept stored) (P, error) {
	var none P
	hash := call.From(ctx).Hash
	if string(kept.hash) != string(hash[:]) {
		return none, errKeyReused
	}
	answer := none.ProtoReflect().New().Interface().(P)
	return answer, proto.Unmarshal(kept.response, answer)
}

// replayError is what went wrong with a replay, nil where nothing did.
func replayError(err error) error {
	if errors.Is(err, errKeyReused) {
		return errKeyReused
	}
	return nil
}

// lostRace tells whether an error may come from a twin of the request that was
// faster: its row, or its answer, is there already.
func lostRace(err error) bool {
	return postgres.Violates(err, "idempotency_pkey") || errs.Code(err) == codes.AlreadyExists
}
