package audit_test

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"maps"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/audit"
	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// What an earlier key sealed is proven as long as its public key is known, and is not
// once that is forgotten; the chain goes on over the change of keys.
func TestVerify_retiredKey(t *testing.T) {
	t.Parallel()
	db := testkit.Open(t, testkit.Database(t, "audit", func(ctx context.Context, ownerURL string) error {
		return postgres.Migrate(ctx, ownerURL, eventlog.VersionTable, eventlog.Migrations)
	}, eventlog.Migrations))
	old, now := issuer(1), issuer(2)
	tenant := uuid.Must(uuid.NewV7())
	for _, signer := range []*auth.Issuer{old, now} {
		write(t, db, tenant)
		sealer := audit.Sealer{DB: db.System, Signer: signer, Now: time.Now, Logger: slog.Default()}
		if n, err := sealer.Seal(t.Context()); err != nil || n != 1 {
			t.Fatalf("%d sealed, %v", n, err)
		}
	}
	both := audit.Keys{}
	maps.Copy(both, old.Public())
	maps.Copy(both, now.Public())
	r, err := audit.Verify(t.Context(), db, tenant, both, nil)
	if err != nil || len(r.Faults) > 0 || r.Blocks != 2 || r.Sealed != 2 {
		t.Errorf("with both keys: %+v %v", r, err)
	}
	r, err = audit.Verify(t.Context(), db, tenant, now.Public(), nil)
	if err != nil || len(r.Faults) != 1 || r.Faults[0] != (audit.Fault{Wrong: audit.Signature, Block: 1}) {
		t.Errorf("with the new key alone: %+v %v", r, err)
	}
}

func issuer(seed byte) *auth.Issuer {
	return auth.NewIssuer(ed25519.NewKeyFromSeed(append(make([]byte, ed25519.SeedSize-1), seed)))
}

// write leaves one entry, as a call of a user.
func write(t *testing.T, db *postgres.DB, tenant uuid.UUID) {
	t.Helper()
	ctx := auth.With(t.Context(), auth.Caller{Tenant: tenant, Subject: "users/ani"})
	ctx = call.With(ctx, call.Info{Method: "/lingkar.sales.v1.LeadService/CreateLead"})
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	eventlog.QueueAudit(b, eventlog.AuditEntry{Tenant: tenant, RecordedAt: time.Now(), Resource: "leads/x", Seq: 1}.By(ctx))
	if err := postgres.Run(ctx, db, b); err != nil {
		t.Fatal(err)
	}
}
