// Package fault holds the faults of the catalogue, by the number they have there.
// Each is reversible: Heal leaves the cluster as Inject found it, down to what the
// fault was about.
package fault

import (
	"context"
	"math/rand/v2"

	"github.com/lingkar-crm/lingkar/pkg/failpoint"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/nemesis"
)

// All answers every fault. Their choices of victims follow the random source.
func All(r *rand.Rand) []nemesis.Fault {
	all := []nemesis.Fault{
		crashAt(r, "F02", "a service dies after its commit, before its answer", failpoint.WriteAfterCommit),
		crashAt(r, "F03", "a relay dies after publishing, before it notes so", failpoint.RelayAfterPublish),
		crashAt(r, "F04", "a projection dies after its commit", failpoint.ProjectionAfterCommit),
		killService(r), killBroker(), wipeBroker(), killBackend(r), killPostgres(),
		pausePostgres(), pauseBroker(), pauseService(r),
		blackhole(r), latency(r), bandwidth(r), resets(r), halfOpen(r),
		clock(r), duplicates(), shuffled(r), garbage(), &poison{}, resetStream(r), commitsLate(),
		conflicts(), exhaust(r), restartPostgres(), anyOrder(r), rolling(r),
		fullStream(),
	}
	return append(all, onVolumes()...)
}

// simple is a fault made of two functions. Either may be nil.
type simple struct {
	id, title    string
	inject, heal func(ctx context.Context, c *cluster.Cluster) error
}

// ID implements nemesis.Fault.
func (s *simple) ID() string { return s.id }

// Title implements nemesis.Fault.
func (s *simple) Title() string { return s.title }

// Inject implements nemesis.Fault.
func (s *simple) Inject(ctx context.Context, c *cluster.Cluster) error {
	if s.inject == nil {
		return nil
	}
	return s.inject(ctx, c)
}

// Heal implements nemesis.Fault.
func (s *simple) Heal(ctx context.Context, c *cluster.Cluster) error {
	if s.heal == nil {
		return nil
	}
	return s.heal(ctx, c)
}

// pick answers one of several.
func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }
