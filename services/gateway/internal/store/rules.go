package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/rule"
)

// maxVersions is how many versions of a rule are listed.
const maxVersions = 1000

// Rules is the table of rules, each in its newest version.
var Rules = postgres.NewTable[rule.Rule](postgres.Def{
	Name: "rule", Kind: "rule",
	Fields: common(
		postgres.Field{Path: "display_name"}, postgres.Field{Path: "kind"},
		postgres.Field{Path: "state", Type: postgres.Enum, Values: platformv1.RuleState_value},
	),
	Orders:      [][]string{{"create_time"}, {"display_name"}, {"state", "create_time"}},
	Constraints: constraints(nil),
})

// Version is one of a rule that is or was more than a draft.
type Version struct {
	Number    int64
	State     rule.State
	WasActive bool
	// Content is the rule as of this version, as the JSON of the API.
	Content   json.RawMessage
	StateTime time.Time
}

// KeepVersion queues keeping the newest version of a rule where it is more than a draft,
// and where each of its versions stands.
func KeepVersion(w *postgres.Writes, r *rule.Rule, content []byte) {
	if r.State != rule.Draft {
		w.Queue(`
			INSERT INTO rule_version (tenant, rule, version, state, was_active, content, state_time)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT ON CONSTRAINT rule_version_pkey DO UPDATE SET was_active = rule_version.was_active OR excluded.was_active`,
			w.Tenant(), r.ID, r.Version, int32(r.State), r.State == rule.Active, content, r.UpdateTime)
	}
	inPreview := int64(0)
	if r.State == rule.Preview {
		inPreview = r.Version
	}
	w.Queue(`
		UPDATE rule_version
		SET state = CASE version WHEN $3 THEN 3 WHEN $4 THEN 2 ELSE 4 END, state_time = $5
		WHERE tenant = $1 AND rule = $2 AND state <> CASE version WHEN $3 THEN 3 WHEN $4 THEN 2 ELSE 4 END`,
		w.Tenant(), r.ID, r.ActiveVersion, inPreview, r.UpdateTime)
}

// Versions answers the newest versions of a rule, or the one of a number.
func Versions(ctx context.Context, db *postgres.DB, of, id uuid.UUID, number int64) (versions []Version, err error) {
	b := &pgx.Batch{}
	postgres.QueueTenant(b, of)
	b.Queue(`
		SELECT version, state, was_active, content, state_time FROM rule_version
		WHERE tenant = $1 AND rule = $2 AND ($3 = 0 OR version = $3)
		ORDER BY version DESC LIMIT $4`, of, id, number, maxVersions).Query(func(rows pgx.Rows) error {
		versions, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (v Version, err error) {
			return v, row.Scan(&v.Number, &v.State, &v.WasActive, &v.Content, &v.StateTime)
		})
		return err
	})
	return versions, postgres.Run(ctx, db, b)
}
