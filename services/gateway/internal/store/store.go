// Package store keeps tenants, members, teams, API keys, exchange rates, rules about
// fields and saved views in PostgreSQL: tables, constraints and all SQL of this service.
//
// Rows carry the tenant first, and row-level security stands behind every
// statement. Two reads span the tenants: the directory that operators list, which
// is a view of its own, and the search for an API key, which runs as role relay
// because the key is what tells the tenant.
package store

import (
	"embed"
	"maps"
	"slices"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/apikey"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/fieldrule"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/member"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/rate"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/team"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/tenant"
)

// Migrations make the tables of this service.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// common are the fields of every resource that lists may filter.
func common(own ...postgres.Field) []postgres.Field {
	return append(own,
		postgres.Field{Path: "labels", Type: postgres.Map},
		postgres.Field{Path: "create_time", Type: postgres.Time},
		postgres.Field{Path: "update_time", Type: postgres.Time},
	)
}

// constraints adds what every resource can violate.
func constraints(own map[string]*errs.Error) map[string]*errs.Error {
	all := map[string]*errs.Error{
		"external_id_taken": errs.AlreadyExists("EXTERNAL_ID_TAKEN", "another record of this kind has this id in that system"),
	}
	maps.Copy(all, own)
	return all
}

// states are the names of tenant.State in filters.
var states = map[string]int32{
	"ACTIVE": int32(tenant.Active), "STATE_ACTIVE": int32(tenant.Active),
	"SUSPENDED": int32(tenant.Suspended), "STATE_SUSPENDED": int32(tenant.Suspended),
}

func tenants(table string) *postgres.Table[tenant.Tenant] {
	return postgres.NewTable[tenant.Tenant](postgres.Def{
		Name: table, Kind: "tenant",
		Fields: common(
			postgres.Field{Path: "display_name"}, postgres.Field{Path: "currency_code"},
			postgres.Field{Path: "state", Type: postgres.Enum, Values: states},
		),
		Orders:      [][]string{{"create_time"}},
		Constraints: constraints(nil),
	})
}

// The tables.
var (
	Tenants = tenants("tenant")
	// Directory shows all tenants to a session in auth.NoTenant.
	Directory = tenants("tenant_directory")

	Members = postgres.NewTable[member.Member](postgres.Def{
		Name: "member", Kind: "member",
		Fields: common(
			postgres.Field{Path: "subject"}, postgres.Field{Path: "display_name"},
			postgres.Field{Path: "contact", Type: postgres.UUID},
		),
		Orders: [][]string{{"create_time"}, {"subject"}},
		Constraints: constraints(map[string]*errs.Error{
			"member_subject_taken": errs.AlreadyExists("MEMBER_SUBJECT_TAKEN", "this subject is a member already"),
		}),
	})
	Teams = postgres.NewTable[team.Team](postgres.Def{
		Name: "team", Kind: "team",
		Fields: common(postgres.Field{Path: "display_name"}),
		Orders: [][]string{{"create_time"}, {"display_name"}},
		Constraints: constraints(map[string]*errs.Error{
			"team_name_taken": errs.AlreadyExists("TEAM_NAME_TAKEN", "another team has this name"),
		}),
	})
	Keys = postgres.NewTable[apikey.Key](postgres.Def{
		Name: "api_key", Kind: "API key",
		Fields:      common(postgres.Field{Path: "display_name"}),
		Orders:      [][]string{{"create_time"}, {"display_name"}},
		Constraints: constraints(nil),
	})
	Rates = postgres.NewTable[rate.Rate](postgres.Def{
		Name: "exchange_rate", Kind: "exchange rate",
		Fields: common(
			postgres.Field{Path: "from_currency_code"}, postgres.Field{Path: "to_currency_code"},
			postgres.Field{Path: "date", Type: postgres.Date},
		),
		Orders: [][]string{{"create_time"}, {"from_currency_code", "to_currency_code", "date"}},
		Constraints: constraints(map[string]*errs.Error{
			"exchange_rate_taken": errs.AlreadyExists("EXCHANGE_RATE_TAKEN", "this pair of currencies has a rate of this day"),
		}),
	})
	FieldRules = postgres.NewTable[fieldrule.Rule](postgres.Def{
		Name: "field_rule", Kind: "field rule",
		Fields: common(postgres.Field{Path: "resource_type"}, postgres.Field{Path: "field"}),
		Orders: [][]string{{"create_time"}, {"resource_type", "field"}},
		Constraints: constraints(map[string]*errs.Error{
			"field_rule_taken": errs.AlreadyExists("FIELD_RULE_TAKEN", "there is a rule for this field already"),
		}),
	})
)

// ExternalIDs queues what makes external ids unique among the resources of a
// kind.
func ExternalIDs[T any](kind string, meta func(*T) *entity.Meta) func(w *postgres.Writes, before, after *T) {
	return func(w *postgres.Writes, before, after *T) {
		m := meta(after)
		if before != nil {
			if maps.Equal(meta(before).ExternalIDs, m.ExternalIDs) {
				return
			}
			w.Queue("DELETE FROM external_id WHERE tenant = $1 AND kind = $2 AND resource = $3", w.Tenant(), kind, m.ID)
		}
		if len(m.ExternalIDs) == 0 {
			return
		}
		systems := slices.Sorted(maps.Keys(m.ExternalIDs))
		ids := make([]string, len(systems))
		for i, s := range systems {
			ids[i] = m.ExternalIDs[s]
		}
		w.Queue(`
			INSERT INTO external_id (tenant, kind, system, id, resource)
			SELECT $1, $2, e.system, e.id, $3
			FROM unnest($4::text[], $5::text[]) AS e (system, id)`,
			w.Tenant(), kind, m.ID, systems, ids)
	}
}
