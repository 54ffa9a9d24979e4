package rules_test

import (
	"context"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/rules"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/pkg/timer"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// Every filter and order that the list of decisions declares runs on an index, as role
// app.
func TestLists_useTheirIndexes(t *testing.T) {
	t.Parallel()
	d := service.Definition{Name: "ruled", Area: "ruled", Uses: []service.Tables{
		{Version: timer.VersionTable, Migrations: timer.Migrations}, {Version: rules.VersionTable, Migrations: rules.Migrations},
	}}
	urls := testkit.Database(t, "ruled", func(ctx context.Context, ownerURL string) error {
		return service.Migrate(ctx, d, ownerURL)
	}, eventlog.Migrations, timer.Migrations, rules.Migrations)
	testkit.Lists(t, urls, rules.Decisions)
}
