package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
)

func TestSQLError_everyState(t *testing.T) {
	t.Parallel()
	for code, states := range map[codes.Code][]string{
		codes.InvalidArgument: {
			"22021", "22P05", "22P02", "22001", "22003", "22008", "22023", "2201B", "2201W", "23514", "54001", "22007", "23502",
		},
		codes.AlreadyExists:      {"23505"},
		codes.FailedPrecondition: {"23503", "23P01"},
		codes.Aborted:            {"40001", "40P01", "55P03"},
		codes.DeadlineExceeded:   {"57014"},
		codes.Unavailable: {
			"53000", "53100", "53200", "53300", "53400", "57P01", "57P02", "57P03", "08000", "08003", "08006", "25P03",
		},
		codes.Internal: {"42501", "42601", "42P01", "XX000", "0A000", "99999", "", "08"},
	} {
		for _, state := range states {
			cause := &pgconn.PgError{Code: state, Message: "secret", ConstraintName: "some_constraint"}
			err := postgres.SQLError(fmt.Errorf("statement: %w", cause))
			if errs.Code(err) != code || errs.Reason(err) == "" {
				t.Errorf("%s: %s %s, want %s", state, errs.Code(err), errs.Reason(err), code)
			}
			if !postgres.Violates(err, "some_constraint") {
				t.Errorf("%s: the cause is lost", state)
			}
			if text := status.Convert(err).Message(); strings.Contains(text, "secret") {
				t.Errorf("%s: the caller is told %q", state, text)
			}
		}
	}
}

func TestSQLError_reasons(t *testing.T) {
	t.Parallel()
	for state, reason := range map[string]string{"53100": "STORAGE_UNAVAILABLE", "08006": "STORAGE_UNAVAILABLE", "22P02": errs.FieldInvalid} {
		if got := errs.Reason(postgres.SQLError(&pgconn.PgError{Code: state})); got != reason {
			t.Errorf("%s: %s, want %s", state, got, reason)
		}
	}
}

func TestSQLError_otherErrors(t *testing.T) {
	t.Parallel()
	own := errs.Refused("CLOSED", "it is closed")
	for name, c := range map[string]struct {
		err  error
		code codes.Code
	}{
		"none":         {nil, codes.OK},
		"own":          {fmt.Errorf("rule: %w", own), codes.FailedPrecondition},
		"another hop":  {status.Error(codes.NotFound, "x"), codes.NotFound},
		"canceled":     {fmt.Errorf("x: %w", context.Canceled), codes.Canceled},
		"deadline":     {fmt.Errorf("x: %w", context.DeadlineExceeded), codes.DeadlineExceeded},
		"lost":         {io.ErrUnexpectedEOF, codes.Unavailable},
		"no rows":      {pgx.ErrNoRows, codes.Internal},
		"anything":     {errors.New("x"), codes.Internal},
		"word it once": {postgres.SQLError(postgres.SQLError(&pgconn.PgError{Code: "23505"})), codes.AlreadyExists},
	} {
		err := postgres.SQLError(c.err)
		if name == "another hop" {
			if status.Code(err) != c.code {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if errs.Code(err) != c.code {
			t.Errorf("%s: %s, want %s", name, errs.Code(err), c.code)
		}
	}
}

// What the server says about these inputs, in fact.
func TestSQLError_fromTheServer(t *testing.T) {
	t.Parallel()
	db := openGadgets(t)
	for sql, code := range map[string]codes.Code{
		"SELECT 'x'::uuid, $1::text":                     codes.InvalidArgument,
		"SELECT '300000-01-01'::timestamptz, $1::text":   codes.InvalidArgument,
		"SELECT now() AT TIME ZONE 'No/Where', $1::text": codes.InvalidArgument,
		"SELECT 99999999999::text::int, $1::text":        codes.InvalidArgument,
		"SELECT 'a' ~ '(', $1::text":                     codes.InvalidArgument,
		"SELECT pg_sleep(10), $1::text":                  codes.DeadlineExceeded,
	} {
		t.Run(sql, func(t *testing.T) {
			t.Parallel()
			err := postgres.InTx(t.Context(), db.App, func(tx pgx.Tx) error {
				if _, err := tx.Exec(t.Context(), "SET LOCAL statement_timeout = '300ms'"); err != nil {
					return err
				}
				_, err := tx.Exec(t.Context(), sql, "x")
				return err
			})
			if errs.Code(err) != code {
				t.Errorf("%s, want %s: %v", errs.Code(err), code, err)
			}
		})
	}
}

func TestSQLError_tellsTheCallerFromTheDeadline(t *testing.T) {
	t.Parallel()
	db := openGadgets(t)
	sleep := func(ctx context.Context) error {
		return postgres.InTx(ctx, db.App, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "SELECT pg_sleep(10)")
			return err
		})
	}
	canceled, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if err := sleep(canceled); errs.Code(err) != codes.Canceled {
		t.Errorf("canceled: %v", err)
	}
	late, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := sleep(late); errs.Code(err) != codes.DeadlineExceeded {
		t.Errorf("too late: %v", err)
	}
}

func TestSQLError_whenTheServerIsGone(t *testing.T) {
	t.Parallel()
	gone, err := postgres.Open(t.Context(), "postgres://app:x@127.0.0.1:1/x", "postgres://app:x@127.0.0.1:1/x", postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	b := &pgx.Batch{}
	b.Queue("SELECT 1")
	if err := postgres.Run(t.Context(), gone, b); errs.Code(err) != codes.Unavailable {
		t.Errorf("nobody listens: %v", err)
	}
	urls := testkit.Database(t, "gadget", migrateGadgets, gadgetMigrations)
	db := testkit.Open(t, urls)
	err = postgres.InTx(t.Context(), db.App, func(tx pgx.Tx) error {
		admin := testkit.Postgres(t).AdminURL
		exec(t, admin, fmt.Sprintf("SELECT pg_terminate_backend(%d)", tx.Conn().PgConn().PID()))
		_, err := tx.Exec(t.Context(), "SELECT 1")
		return err
	})
	if errs.Code(err) != codes.Unavailable {
		t.Errorf("session ended by the server: %v", err)
	}
	if err := postgres.Run(t.Context(), db, &pgx.Batch{}); err != nil {
		t.Errorf("the pool did not recover: %v", err)
	}
}
