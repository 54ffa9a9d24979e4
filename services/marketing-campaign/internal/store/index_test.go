package store_test

import (
	"context"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	definition "github.com/lingkar-crm/lingkar/services/marketing-campaign"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/store"
)

// Every filter and order that lists declare runs on an index, as role app.
func TestLists_useTheirIndexes(t *testing.T) {
	t.Parallel()
	urls := testkit.Database(t, "campaign", func(ctx context.Context, ownerURL string) error {
		return service.Migrate(ctx, definition.Definition, ownerURL)
	}, eventlog.Migrations, store.Migrations())
	testkit.Lists(t, urls, store.New(nil, &eventlog.Log{}), store.ResponseTable)
}
