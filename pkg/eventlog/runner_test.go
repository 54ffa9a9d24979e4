package eventlog_test

import (
	"testing"

	"github.com/google/uuid"
)

// churn writes n small changes of a few contacts of two tenants.
func (b *bench) churn(n int) {
	b.t.Helper()
	tenants := []uuid.UUID{uuid.New(), uuid.New()}
	contacts := []uuid.UUID{uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New()}
	for i := range n {
		b.write(b.t.Context(), tenants[i%5%2], contacts[i%5], 1+i%3)
	}
}

func TestRunner_appliesEachEventOnceAndInOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	relay := b.relay()
	b.log.Wake = relay.Wake
	start(t, relay.Run)
	b.churn(20)
	start(t, b.runner(see("live")).Run)
	b.churn(60)
	b.sees("live")
}
