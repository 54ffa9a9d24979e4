package fault

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/nemesis"
)

// exitLimit is how long a service may take to end when it is asked to.
const exitLimit = 20 * time.Second

// lone is a fault that has its period to itself.
type lone struct{ simple }

// Lone implements nemesis.Lone.
func (*lone) Lone() {}

// anyOrder ends everything and starts it in another order.
func anyOrder(r *rand.Rand) nemesis.Fault {
	return &lone{simple{
		id: "F40", title: "everything is killed and starts in any order",
		inject: func(_ context.Context, c *cluster.Cluster) error {
			for _, s := range c.Services {
				s.Kill()
			}
			c.Broker.Kill()
			c.Postgres.Kill()
			return nil
		},
		heal: func(ctx context.Context, c *cluster.Cluster) error {
			starts := []func() error{
				func() error { return c.Postgres.Start(ctx) }, func() error { return c.Broker.Start(ctx) },
			}
			for _, s := range c.Services {
				starts = append(starts, s.Start)
			}
			r.Shuffle(len(starts), func(i, j int) { starts[i], starts[j] = starts[j], starts[i] })
			var err error
			for _, start := range starts {
				err = errors.Join(err, start())
				sleep(ctx, time.Duration(r.Int64N(int64(300*time.Millisecond))))
			}
			for _, s := range c.Services {
				err = errors.Join(err, s.AwaitReady(ctx))
			}
			return err
		},
	}}
}

// rolled is how many processes one turn of F41 restarts: each takes some seconds.
const rolled = 3

// rolling restarts some processes in order, one after the other, under load.
func rolling(r *rand.Rand) nemesis.Fault {
	return &lone{simple{
		id: "F41", title: "processes are restarted in order, one after the other (SIGTERM)",
		inject: func(ctx context.Context, c *cluster.Cluster) error {
			order := append([]*cluster.Service(nil), c.Services...)
			r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
			for _, s := range order[:min(rolled, len(order))] {
				if ctx.Err() != nil {
					return nil
				}
				if err := restartOne(ctx, s); err != nil {
					return err
				}
			}
			return nil
		},
	}}
}

func restartOne(ctx context.Context, s *cluster.Service) error {
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), exitLimit)
	defer cancel()
	took, err := s.Stop(stopping)
	if err != nil {
		return errors.Join(err, s.Start())
	}
	if took > exitLimit {
		err = fmt.Errorf("%s took %s to end", s.Name, took)
	}
	return errors.Join(err, s.Start(), s.AwaitReady(context.WithoutCancel(ctx)))
}
