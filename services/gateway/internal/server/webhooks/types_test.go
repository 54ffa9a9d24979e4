package webhooks_test

import (
	"path"
	"strings"
	"testing"

	"github.com/lingkar-crm/lingkar/services/gateway/internal/server/webhooks"
)

// Who misspells a type is told what there is, in no more words than can be shown.
func TestCheckTypes_tellsWhatThereIs(t *testing.T) {
	t.Parallel()
	const readable = 2000
	if len(webhooks.Types()) < 100 {
		t.Fatalf("there are %d types of events", len(webhooks.Types()))
	}
	for _, known := range webhooks.Types() {
		area := strings.TrimSuffix(known, path.Ext(known))
		wrong := webhooks.CheckTypes("event_types", []string{known, area + ".Nothing", area + ".Nothing"})
		if len(wrong) != 2 || !strings.Contains(wrong[0].Description, strings.TrimPrefix(known, area+".")) || len(wrong[0].Description) > readable {
			t.Fatalf("of %s: %+v", area, wrong)
		}
		if wrong := webhooks.CheckTypes("event_types", []string{"Nothing"}); !strings.Contains(wrong[0].Description, area) || len(wrong[0].Description) > readable {
			t.Fatalf("of no area: %+v", wrong)
		}
	}
}
