package fault

import (
	"context"
	"math/rand/v2"

	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/nemesis"
)

func pausePostgres() nemesis.Fault {
	return &simple{
		id: "F10", title: "PostgreSQL hangs (SIGSTOP)",
		inject: func(_ context.Context, c *cluster.Cluster) error { c.Postgres.Pause(); return nil },
		heal:   func(_ context.Context, c *cluster.Cluster) error { c.Postgres.Resume(); return nil },
	}
}

func pauseBroker() nemesis.Fault {
	return &simple{
		id: "F11", title: "the broker hangs (SIGSTOP)",
		inject: func(_ context.Context, c *cluster.Cluster) error { c.Broker.Pause(); return nil },
		heal:   func(_ context.Context, c *cluster.Cluster) error { c.Broker.Resume(); return nil },
	}
}

// pauseService lets one process hang and wake up late, when another may have taken
// its place.
func pauseService(r *rand.Rand) nemesis.Fault {
	var victim *cluster.Service
	return &simple{
		id: "F12", title: "a service hangs and wakes up late (SIGSTOP)",
		inject: func(_ context.Context, c *cluster.Cluster) error {
			victim = pick(r, c.Services)
			victim.Pause()
			return nil
		},
		heal: func(context.Context, *cluster.Cluster) error {
			if victim != nil {
				victim.Resume()
			}
			return nil
		},
	}
}
