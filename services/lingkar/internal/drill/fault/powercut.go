package fault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
)

// databaseCut loses what PostgreSQL has not synced, and finds out whether that was
// acknowledged: by commits of its own right before the cut, and by the place up to
// which the server said its log was on the disk. What callers were told, the ledger
// shows in the end (I13).
//
// The server does nothing between the instant of the cut and its end: an answer given
// then would be one that no machine without power gives.
type databaseCut struct {
	disk
	commits int
	flushed string // the log's place that was on the disk, such as 0/2B70B18
}

// cutCommits is how many commits the fault makes.
const cutCommits = 20

// Inject implements nemesis.Fault.
func (f *databaseCut) Inject(ctx context.Context, c *cluster.Cluster) error {
	ctx = context.WithoutCancel(ctx)
	if err := c.Postgres.Start(ctx); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, c.Postgres.URL("postgres"))
	if err != nil {
		return err
	}
	err = f.commit(ctx, conn)
	c.Postgres.Pause()
	err = errors.Join(err, f.volume.cut())
	c.Postgres.PowerOff()
	_ = conn.Close(ctx)      // nobody is there to be told
	_ = c.Postgres.Stop(ctx) // it has ended: this closes its lock file
	return errors.Join(err, f.volume.restore(ctx))
}

// commit has PostgreSQL acknowledge commits, right before the cut.
func (f *databaseCut) commit(ctx context.Context, conn *pgx.Conn) error {
	if err := conn.QueryRow(ctx, "SELECT pg_current_wal_flush_lsn()::text").Scan(&f.flushed); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS drill_cut (n int)"); err != nil {
		return err
	}
	for range cutCommits {
		if _, err := conn.Exec(ctx, "INSERT INTO drill_cut VALUES ($1)", f.commits); err != nil {
			return err
		}
		f.commits++
	}
	return nil
}

// Heal implements nemesis.Fault.
func (f *databaseCut) Heal(ctx context.Context, c *cluster.Cluster) error {
	return c.Postgres.Start(ctx)
}

// Invariant implements nemesis.Verifier.
func (*databaseCut) Invariant() (id, title string) { return acknowledgedLasts() }

// Verify implements nemesis.Verifier.
func (f *databaseCut) Verify(ctx context.Context, c *cluster.Cluster) error {
	if f.commits == 0 {
		return nil
	}
	conn, err := pgx.Connect(ctx, c.Postgres.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	// Recovery ends with a checkpoint, so none is older than what was recovered.
	var recovered string
	var reached bool
	const end = "SELECT checkpoint_lsn::text, checkpoint_lsn >= $1::text::pg_lsn FROM pg_control_checkpoint()"
	if err := conn.QueryRow(ctx, end, f.flushed).Scan(&recovered, &reached); err != nil {
		return err
	}
	if !reached {
		return fmt.Errorf("the log was on the disk up to %s and was recovered up to %s", f.flushed, recovered)
	}
	var n int
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM drill_cut").Scan(&n); err != nil {
		return fmt.Errorf("the table with %d acknowledged rows: %w", f.commits, err)
	}
	if n < f.commits {
		return fmt.Errorf("%d of %d acknowledged commits are lost", f.commits-n, f.commits)
	}
	return nil
}

// brokerCut loses what the broker has not synced, and finds out whether that was
// acknowledged. It looks at messages of its own, which nobody publishes again.
type brokerCut struct {
	disk
	acknowledged uint64
}

const (
	ownSubject  = "evt.powercut.0.Cut"
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
	err := f.volume.cut()
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
			if _, err := js.Publish(ctx, ownSubject, []byte("acknowledged")); err != nil {
				return err
			}
			f.acknowledged++
		}
		return nil
	})
}

// withJetStream does something at the broker, within half a minute: each message is
// synced before it is acknowledged.
func withJetStream(ctx context.Context, c *cluster.Cluster, do func(context.Context, jetstream.JetStream) error) error {
	conn, err := c.Broker.Connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	return do(ctx, js)
}

// kept is how many of the fault's messages the stream holds.
func kept(ctx context.Context, stream jetstream.Stream) (uint64, error) {
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(ownSubject))
	if err != nil {
		return 0, err
	}
	return info.State.Subjects[ownSubject], nil
}

// Heal implements nemesis.Fault.
func (f *brokerCut) Heal(ctx context.Context, c *cluster.Cluster) error { return c.Broker.Start(ctx) }

// Invariant implements nemesis.Verifier.
func (*brokerCut) Invariant() (id, title string) { return acknowledgedLasts() }

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

// acknowledgedLasts is the invariant that power cuts verify.
func acknowledgedLasts() (id, title string) {
	return "I13b", "what a store acknowledged is there after a power cut, before anybody repairs it"
}
