package fault

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"

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
		&databaseCut{disk: disk{name: cluster.PostgresName, volume: database, simple: simple{id: "F08", title: "the power of PostgreSQL is cut"}}},
		&disk{name: cluster.PostgresName, volume: database, simple: fillPostgres(database)},
		&fullData{disk: disk{name: cluster.PostgresName, volume: database, simple: simple{id: "F18", title: "the disk of PostgreSQL is full, its log has its own"}}, log: v[cluster.WALName]},
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

// fillPostgres lets the volume with data and write-ahead log be full: PostgreSQL
// ends by itself when the log needs its next segment.
func fillPostgres(v *volume) simple {
	return simple{
		id: "F17", title: "the disk of PostgreSQL is full",
		inject: func(ctx context.Context, c *cluster.Cluster) error {
			if err := v.fill(ctx); err != nil {
				return err
			}
			return useUpLog(ctx, c)
		},
		heal: func(ctx context.Context, c *cluster.Cluster) error {
			return errors.Join(v.free(), c.Postgres.Start(ctx))
		},
	}
}

// segments is how many segments of its log a server of this size has in stock at
// most, and some more.
const segments = 300

// useUpLog makes the server take up segments of its log until there is no space for
// another.
func useUpLog(ctx context.Context, c *cluster.Cluster) error {
	ctx, cancel := context.WithTimeout(ctx, 5*patient)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.Postgres.URL("postgres"))
	if err != nil {
		return nil // it has ended already
	}
	defer conn.Close(ctx)
	for range segments {
		if _, err := conn.Exec(ctx, "SELECT pg_logical_emit_message(false, 'drill', ''), pg_switch_wal()"); err != nil {
			return nil
		}
	}
	return fmt.Errorf("the disk is full, and PostgreSQL used %d segments of its log", segments)
}

// fillBroker lets the broker's disk be full. It does not recover by itself when
// space returns: an operator restarts it.
func fillBroker(v *volume) simple {
	return simple{
		id: "F19", title: "the disk of the broker is full",
		inject: func(ctx context.Context, c *cluster.Cluster) error {
			if err := v.fill(ctx); err != nil {
				return err
			}
			return refused(ctx, c)
		},
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
		inject: func(ctx context.Context, c *cluster.Cluster) error {
			if err := limitStream(ctx, c, 1<<10); err != nil {
				return err
			}
			return refused(ctx, c)
		},
		heal: func(ctx context.Context, c *cluster.Cluster) error { return limitStream(ctx, c, 0) },
	}
}

// refused publishes until the broker takes no more, however it says so; that it goes
// on taking is an error.
func refused(ctx context.Context, c *cluster.Cluster) error {
	const messages, size = 20, 8 << 10
	return onStream(ctx, c, func(ctx context.Context, js jetstream.JetStream, _ jetstream.Stream) error {
		for range messages {
			if _, err := js.Publish(ctx, ownSubject, make([]byte, size)); err != nil {
				return nil
			}
		}
		return fmt.Errorf("the broker is full, and took %d messages", messages)
	})
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
