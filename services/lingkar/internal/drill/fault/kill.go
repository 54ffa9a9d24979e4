package fault

import (
	"context"
	"math/rand/v2"
	"syscall"

	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/nemesis"
)

// killService ends one process of a service; half of the times it is started again
// at once, as a container runtime does, else it stays down.
func killService(r *rand.Rand) nemesis.Fault {
	var victim *cluster.Service
	return &simple{
		id: "F01", title: "kill -9 a service",
		inject: func(_ context.Context, c *cluster.Cluster) error {
			victim = pick(r, c.Services)
			victim.Kill()
			if r.IntN(2) == 0 {
				return victim.Start()
			}
			return nil
		},
		heal: func(context.Context, *cluster.Cluster) error {
			if victim == nil {
				return nil
			}
			return victim.Start()
		},
	}
}

func killBroker() nemesis.Fault {
	return &simple{
		id: "F05", title: "kill -9 the broker",
		inject: func(_ context.Context, c *cluster.Cluster) error {
			c.Broker.Kill()
			return nil
		},
		heal: func(ctx context.Context, c *cluster.Cluster) error { return c.Broker.Start(ctx) },
	}
}

func wipeBroker() nemesis.Fault {
	return &simple{
		id: "F06", title: "kill -9 the broker and delete its volume",
		inject: func(_ context.Context, c *cluster.Cluster) error {
			c.Broker.Kill()
			return c.Broker.Wipe()
		},
		heal: func(ctx context.Context, c *cluster.Cluster) error { return c.Broker.Start(ctx) },
	}
}

// killBackend ends one server process of a connection: PostgreSQL then ends all
// others and recovers.
func killBackend(r *rand.Rand) nemesis.Fault {
	return &simple{
		id: "F09", title: "kill -9 a backend of PostgreSQL",
		inject: func(_ context.Context, c *cluster.Cluster) error {
			if backends := c.Postgres.Backends(); len(backends) > 0 {
				_ = syscall.Kill(pick(r, backends), syscall.SIGKILL) // it may just have ended
			}
			return nil
		},
	}
}

func killPostgres() nemesis.Fault {
	return &simple{
		id: "F09p", title: "kill -9 the postmaster",
		inject: func(_ context.Context, c *cluster.Cluster) error {
			c.Postgres.Kill()
			return nil
		},
		heal: func(ctx context.Context, c *cluster.Cluster) error { return c.Postgres.Start(ctx) },
	}
}
