package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// The SQLSTATEs that this package acts on itself.
const (
	stateSerialization = "40001"
	stateDeadlock      = "40P01"
	stateCanceled      = "57014"
	stateLockTimeout   = "55P03"
)

var (
	errBusy        = errs.Exhausted("STORAGE_BUSY", "the storage is busy", time.Second)
	errUnavailable = errs.Unavailable("STORAGE_UNAVAILABLE", "the storage cannot be reached", time.Second)
	errInvalid     = errs.New(codes.InvalidArgument, errs.FieldInvalid, "a value of the request cannot be stored")
	errTaken       = errs.AlreadyExists("ALREADY_EXISTS", "something that must be unique is taken")
	errReferenced  = errs.Refused("REFERENCE_BROKEN", "something that the change refers to, or that refers to it, is in the way")
	errOverlap     = errs.Refused("CONFLICT", "the change conflicts with what exists")
	errConflict    = errs.Aborted("CONCURRENT_CHANGE", "another change came between: retry")
	errLocked      = errs.Aborted("LOCKED", "another change holds the resource: retry")
	errDeadline    = errs.New(codes.DeadlineExceeded, "DEADLINE_EXCEEDED", "the call took longer than its deadline")
	errCanceled    = errs.New(codes.Canceled, "CANCELED", "the caller canceled the call")
)

// byState is the net of last resort, by SQLSTATE. A service maps the constraints
// it expects by name before (Def.Constraints, Violates); what is not listed is
// INTERNAL, and an operator should hear of it: 42501 above all, which says that
// code tried to cross row-level security.
var byState = map[string]*errs.Error{
	"22001":            errInvalid,     // string too long
	"22003":            errInvalid,     // number out of range
	"22007":            errInvalid,     // malformed time
	"22008":            errInvalid,     // time out of range
	"22021":            errInvalid,     // character not in the encoding, such as NUL
	"22023":            errInvalid,     // parameter out of its domain, such as an unknown zone
	"2201B":            errInvalid,     // malformed regular expression
	"2201W":            errInvalid,     // negative LIMIT
	"22P02":            errInvalid,     // malformed text of a type
	"22P05":            errInvalid,     // character without a translation
	"23502":            errInvalid,     // NOT NULL
	"23514":            errInvalid,     // CHECK
	"54001":            errInvalid,     // nested too deep
	"23503":            errReferenced,  // foreign key
	"23505":            errTaken,       // unique
	"23P01":            errOverlap,     // exclusion
	"25P03":            errUnavailable, // idle in transaction too long
	stateSerialization: errConflict,
	stateDeadlock:      errConflict,
	stateLockTimeout:   errLocked,
	stateCanceled:      errDeadline,    // statement_timeout, or the caller: see sqlError
	"57P01":            errUnavailable, // the server shuts down
	"57P02":            errUnavailable, // the server crashed
	"57P03":            errUnavailable, // the server starts
}

// byClass holds the classes of SQLSTATEs that mean one thing.
var byClass = map[string]*errs.Error{
	"08": errUnavailable, // connection
	"53": errUnavailable, // disk full, out of memory, too many connections
}

// Violates reports whether err comes from a violation of the named constraint.
func Violates(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.ConstraintName == constraint
}

// SQLError words an error of the database for a caller, by its SQLSTATE; the
// cause stays in the chain for the log, Violates and errors.Is. An error that
// already has a code is kept. 57014 is CANCELED where the caller went away, else
// DEADLINE_EXCEEDED.
func SQLError(err error) error { return sqlError(context.Background(), err) }

// sqlError is SQLError for a statement that ran under ctx, which tells who
// canceled it.
func sqlError(ctx context.Context, err error) error {
	if err == nil || worded(err) {
		return err
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code != stateCanceled {
		return wordState(pg.Code).Wrap(err)
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(ctx.Err(), context.Canceled):
		return errCanceled.Wrap(err)
	case errors.Is(err, context.DeadlineExceeded), ctx.Err() != nil, pg != nil:
		return errDeadline.Wrap(err)
	case disconnected(err):
		return errUnavailable.Wrap(err)
	default:
		return errs.Internal(err)
	}
}

func wordState(state string) *errs.Error {
	if e, ok := byState[state]; ok {
		return e
	}
	if len(state) == 5 {
		if e, ok := byClass[state[:2]]; ok {
			return e
		}
	}
	return errs.Internal(nil)
}

// worded reports whether an error carries its code already.
func worded(err error) bool {
	var own *errs.Error
	var hop interface{ GRPCStatus() *status.Status }
	return errors.As(err, &own) || errors.As(err, &hop)
}

// disconnected reports whether the connection was not made, or was lost.
func disconnected(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, puddle.ErrClosedPool)
}

// retryable reports whether the same transaction may succeed when it runs again.
func retryable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == stateSerialization || pg.Code == stateDeadlock)
}
