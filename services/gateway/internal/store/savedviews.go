package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/savedview"
)

// SavedViews is the table of saved views.
var SavedViews = postgres.NewTable[savedview.View](postgres.Def{
	Name: "saved_view", Kind: "saved view", Collection: savedview.Collection,
	Fields: common(
		postgres.Field{Path: "display_name"}, postgres.Field{Path: "resource"}, postgres.Field{Path: "owner"},
		postgres.Field{Path: "visibility", Type: postgres.Enum, Values: platformv1.SavedViewVisibility_value},
	),
	Orders: [][]string{
		{"create_time"}, {"update_time"}, {"display_name"}, {"resource", "display_name"}, {"owner", "display_name"},
	},
	DefaultOrder: "display_name",
	Constraints:  constraints(nil),
})

// ForgetDefaults queues that a view which was deleted is nobody's default.
func ForgetDefaults(w *postgres.Writes, before, after *savedview.View) {
	if before != nil && !before.Deleted() && after.Deleted() {
		w.Queue("DELETE FROM saved_view_default WHERE tenant = $1 AND view = $2", w.Tenant(), after.ID)
	}
}

// SetDefaultView writes, in the unit, that a view is the subject's default for lists of
// its resource.
func SetDefaultView(u *record.Unit, subject string, v *savedview.View) {
	u.Queue(func(b *pgx.Batch) {
		b.Queue(`
			INSERT INTO saved_view_default (tenant, subject, resource, view)
			VALUES ($1, $2, $3, $4)
			ON CONFLICT (tenant, subject, resource) DO UPDATE SET view = excluded.view`,
			u.Tenant(), subject, v.Resource, v.ID)
	})
}

// ClearDefaultView writes, in the unit, that a view is not the subject's default any more.
func ClearDefaultView(u *record.Unit, subject string, v *savedview.View) {
	u.Queue(func(b *pgx.Batch) {
		b.Queue("DELETE FROM saved_view_default WHERE tenant = $1 AND subject = $2 AND resource = $3 AND view = $4",
			u.Tenant(), subject, v.Resource, v.ID)
	})
}

// DefaultViews answers the subject's defaults, by the resources that they list.
func DefaultViews(ctx context.Context, db *postgres.DB, tenant uuid.UUID, subject string) (map[string]uuid.UUID, error) {
	defaults := map[string]uuid.UUID{}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue("SELECT resource, view FROM saved_view_default WHERE tenant = $1 AND subject = $2", tenant, subject).
		Query(func(rows pgx.Rows) error {
			var resource string
			var view uuid.UUID
			_, err := pgx.ForEachRow(rows, []any{&resource, &view}, func() error {
				defaults[resource] = view
				return nil
			})
			return err
		})
	return defaults, postgres.Run(ctx, db, b)
}
