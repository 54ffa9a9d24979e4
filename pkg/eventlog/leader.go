package eventlog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// leaderLock is the advisory lock of the leader: "lingkar" in ASCII.
	leaderLock = int64(0x6c696e676b6172)
	// wakeChannel is where NOTIFY tells the leader that there is work.
	wakeChannel = "lingkar_outbox"
	// notifyGap is the least time between two NOTIFYs of one process: each takes a
	// lock of the whole server while it commits.
	notifyGap = 2 * time.Millisecond
	// pingInterval is how often the leader shows that it lives, and hungAfter the
	// silence after which another replica ends its session.
	pingInterval = time.Second
	hungAfter    = 3 * time.Second
)

// lead waits for the lead, leads, and answers why it ended. The lock keeps
// replicas from working in vain; the epoch is what makes a second leader
// harmless.
func (r *Relay) lead(ctx context.Context, leading func()) error {
	conn, err := pgx.ConnectConfig(ctx, r.DB.Config().ConnConfig.Copy())
	if err != nil {
		return fmt.Errorf("eventlog: relay: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) // frees the lock
	if err := lockLead(ctx, conn); err != nil {
		return err
	}
	epoch, err := takeEpoch(ctx, conn)
	if err != nil {
		return err
	}
	leading()
	r.leading.Store(true)
	defer r.leading.Store(false)

	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	wg.Go(func() { cancel(r.watch(ctx, conn)) })
	wg.Go(func() { r.upkeep(ctx) })
	err = r.relay(ctx, epoch)
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, context.Canceled) {
		return cause
	}
	return err
}

// lockLead waits for the lead. The session's lock_timeout wakes it now and then
// to see whether the leader hangs.
func lockLead(ctx context.Context, conn *pgx.Conn) error {
	for {
		_, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", leaderLock)
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "55P03" {
			return err
		}
		if _, err := conn.Exec(ctx, endHungLeader, leaderLock, hungAfter.Seconds()); err != nil {
			return err
		}
	}
}

// endHungLeader ends the session of a leader that has been silent: its process
// is stopped or its machine is gone, but its connection still stands.
const endHungLeader = `
SELECT pg_terminate_backend(a.pid)
FROM pg_locks l
JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory'
  AND l.granted
  AND a.datname = current_database()
  AND l.database = a.datid
  AND (l.classid::bigint << 32 | l.objid::bigint) = $1
  AND l.objsubid = 1
  AND a.state_change < clock_timestamp() - make_interval(secs => $2)`

// takeEpoch fences all earlier leaders off.
func takeEpoch(ctx context.Context, conn *pgx.Conn) (int64, error) {
	var epoch int64
	err := conn.QueryRow(ctx, "UPDATE relay_epoch SET epoch = epoch + 1 RETURNING epoch").Scan(&epoch)
	if err != nil {
		return 0, fmt.Errorf("eventlog: taking the lead: %w", err)
	}
	_, err = conn.Exec(ctx, "LISTEN "+wakeChannel)
	return epoch, err
}

// watch passes notifications on and shows that the leader lives. It answers when
// the connection, and with it the lock, is lost.
func (r *Relay) watch(ctx context.Context, conn *pgx.Conn) error {
	for pinged := time.Now(); ; {
		wait, cancel := context.WithDeadline(ctx, pinged.Add(pingInterval))
		_, err := conn.WaitForNotification(wait)
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			signal(r.wake)
		case !errors.Is(err, context.DeadlineExceeded):
			return fmt.Errorf("eventlog: the lead is lost: %w", err)
		}
		if time.Since(pinged) < pingInterval {
			continue
		}
		if err := conn.Ping(ctx); err != nil {
			return fmt.Errorf("eventlog: the lead is lost: %w", err)
		}
		pinged = time.Now()
	}
}

// notify wakes the leader in another process, on a connection of its own and
// never within a transaction of a change.
func (r *Relay) notify(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.tell:
		}
		if r.leading.Load() {
			signal(r.wake)
			continue
		}
		if _, err := r.DB.Exec(ctx, "SELECT pg_notify($1, '')", wakeChannel); err != nil && ctx.Err() == nil {
			r.Logger.DebugContext(ctx, "the relay could not be woken and will find its work by itself", "area", r.Area, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(notifyGap):
		}
	}
}
