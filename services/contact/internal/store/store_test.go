package store_test

import (
	"context"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store"
)

func database(t testing.TB) postgres.URLs {
	t.Helper()
	return testkit.Database(t, "contact", func(ctx context.Context, ownerURL string) error {
		return service.Migrate(ctx, contact.Definition, ownerURL)
	}, eventlog.Migrations, store.Migrations)
}

// Every filter and order that is declared has an index that serves it as role app,
// under row-level security.
func TestTables_indexes(t *testing.T) {
	t.Parallel()
	db := testkit.Open(t, database(t))
	s := store.New(db, nil, nil)
	for name, check := range map[string]func(context.Context, *postgres.DB) error{
		"contacts":           s.Contacts.Table.CheckIndexes,
		"relationship types": s.RelationshipTypes.Table.CheckIndexes,
		"relationships":      s.Relationships.Table.CheckIndexes,
		"interactions":       s.Interactions.Table.CheckIndexes,
		"consents":           s.Consents.Table.CheckIndexes,
		"identity policies":  s.Policies.Table.CheckIndexes,
		"merges":             s.Merges.Table.CheckIndexes,
	} {
		if err := check(t.Context(), db); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseCustomerID(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"C-000123": "C-000123", "c-123": "C-000123", " C123 ": "C-000123", "C-1234567": "C-1234567"} {
		if got, ok := store.ParseCustomerID(in); !ok || got != want {
			t.Errorf("ParseCustomerID(%q) = %q, %v; want %q", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "123", "C-", "C-0", "C-12x", "C--1", "C-99999999999999999999", "X-1"} {
		if got, ok := store.ParseCustomerID(in); ok {
			t.Errorf("ParseCustomerID(%q) = %q, want none", in, got)
		}
	}
}
