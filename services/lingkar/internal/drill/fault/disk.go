package fault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/nemesis"
)

// onVolumes are the faults of disks. They share the volumes, so each has its period
// to itself.
func onVolumes() []nemesis.Fault {
	v := newVolumes()
	database, broker := v[cluster.PostgresName], v[cluster.BrokerName]
	return []nemesis.Fault{
		&brokerCut{disk: disk{name: cluster.BrokerName, volume: broker, simple: simple{id: "F07", title: "the power of the broker is cut"}}},
		&disk{name: cluster.PostgresName, volume: database, simple: cutPostgres(database)},
		&disk{name: cluster.PostgresName, volume: database, simple: fillPostgres(database)},
		&disk{name: cluster.BrokerName, volume: broker, simple: fillBroker(broker)},
	}
}

// disk is a fault of the volume of a store.
type disk struct {
	simple
	name   string
	volume *volume
}

// Possible implements nemesis.Conditional.
func (d *disk) Possible() error { return d.volume.possible() }

// Volumes implements nemesis.Volumed.
func (d *disk) Volumes() map[string]cluster.Volume {
	return map[string]cluster.Volume{d.name: d.volume}
}

// Lone implements nemesis.Lone: other faults start the stores as well.
func (d *disk) Lone() {}

// cutPostgres loses what PostgreSQL has not synced. That everything acknowledged is
// there is shown by the ledger in the end (I13).
func cutPostgres(v *volume) simple {
	return simple{
		id: "F08", title: "the power of PostgreSQL is cut",
		inject: func(ctx context.Context, c *cluster.Cluster) error {
			ctx = context.WithoutCancel(ctx)
			c.Postgres.Pause()
			err := v.cut(ctx)
			c.Postgres.Kill()
			_ = c.Postgres.Stop(ctx) // it has ended: this closes its lock file
			return errors.Join(err, v.restore(ctx))
		},
		heal: func(ctx context.Context, c *cluster.Cluster) error { return c.Postgres.Start(ctx) },
	}
}

// fillPostgres lets the volume with data and write-ahead log be full: PostgreSQL
// ends by itself.
func fillPostgres(v *volume) simple {
	return simple{
		id: "F17", title: "the disk of PostgreSQL is full",
		inject: func(ctx context.Context, _ *cluster.Cluster) error { return v.fill(ctx) },
		heal: func(ctx context.Context, c *cluster.Cluster) error {
			return errors.Join(v.free(), c.Postgres.Start(ctx))
		},
	}
}

// fillBroker lets the broker's disk be full. It does not recover by itself when
// space returns: an operator restarts it.
func fillBroker(v *volume) simple {
	return simple{
		id: "F19", title: "the disk of the broker is full",
		inject: func(ctx context.Context, _ *cluster.Cluster) error { return v.fill(ctx) },
		heal: func(ctx context.Context, c *cluster.Cluster) error {
			err := v.free()
			c.Broker.Kill()
			return errors.Join(err, c.Broker.Start(ctx))
		},
	}
}

// fullStream lets the stream reach its limit: the broker refuses events and goes on.
func fullStream() nemesis.Fault {
	return &simple{
		id: "F20", title: "the broker's store has reached its limit",
		inject: func(ctx context.Context, c *cluster.Cluster) error { return limitStream(ctx, c, 1<<10) },
		heal:   func(ctx context.Context, c *cluster.Cluster) error { return limitStream(ctx, c, 0) },
	}
}

// limitStream allows the stream some bytes more than it has; 0 stands for no limit.
func limitStream(ctx context.Context, c *cluster.Cluster, more int64) error {
	return onStream(ctx, c, func(ctx context.Context, js jetstream.JetStream, s jetstream.Stream) error {
		info, err := s.Info(ctx)
		if err != nil {
			return err
		}
		config := info.Config
		config.MaxBytes = -1
		if more > 0 {
			config.MaxBytes = int64(info.State.Bytes) + more
		}
		_, err = js.UpdateStream(ctx, config)
		return err
	})
}

// brokerCut loses what the broker has not synced, and finds out whether that was
// acknowledged. It looks at messages of its own, which nobody publishes again.
type brokerCut struct {
	disk
	acknowledged uint64
}

const (
	cutSubject  = "evt.powercut.0.Cut"
	cutMessages = 200
)

// Inject implements nemesis.Fault.
func (f *brokerCut) Inject(ctx context.Context, c *cluster.Cluster) error {
	ctx = context.WithoutCancel(ctx)
	if err := c.Broker.Start(ctx); err != nil {
		return err
	}
	if err := f.publish(ctx, c); err != nil {
		return err
	}
	c.Broker.Pause()
	err := f.volume.cut(ctx)
	c.Broker.Kill()
	return errors.Join(err, f.volume.restore(ctx))
}

// publish has the broker acknowledge messages, right before the cut.
func (f *brokerCut) publish(ctx context.Context, c *cluster.Cluster) error {
	return withJetStream(ctx, c, func(ctx context.Context, js jetstream.JetStream) error {
		stream, err := eventlog.EnsureStream(ctx, js)
		if err != nil {
			return err
		}
		if f.acknowledged, err = kept(ctx, stream); err != nil {
			return err
		}
		for range cutMessages {
			if _, err := js.Publish(ctx, cutSubject, []byte("acknowledged")); err != nil {
				return err
			}
			f.acknowledged++
		}
		return nil
	})
}

// withJetStream does something at the broker, within ten seconds.
func withJetStream(ctx context.Context, c *cluster.Cluster, do func(context.Context, jetstream.JetStream) error) error {
	conn, err := c.Broker.Connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	return do(ctx, js)
}

// kept is how many of the fault's messages the stream holds.
func kept(ctx context.Context, stream jetstream.Stream) (uint64, error) {
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(cutSubject))
	if err != nil {
		return 0, err
	}
	return info.State.Subjects[cutSubject], nil
}

// Heal implements nemesis.Fault.
func (f *brokerCut) Heal(ctx context.Context, c *cluster.Cluster) error { return c.Broker.Start(ctx) }

// Verify implements nemesis.Verifier.
func (f *brokerCut) Verify(ctx context.Context, c *cluster.Cluster) error {
	if f.acknowledged == 0 {
		return nil
	}
	return withJetStream(ctx, c, func(ctx context.Context, js jetstream.JetStream) error {
		stream, err := js.Stream(ctx, eventlog.StreamName)
		if err != nil {
			return fmt.Errorf("the stream with %d acknowledged messages: %w", f.acknowledged, err)
		}
		n, err := kept(ctx, stream)
		if err == nil && n < f.acknowledged {
			err = fmt.Errorf("%d of %d acknowledged messages are lost", f.acknowledged-n, f.acknowledged)
		}
		return err
	})
}
