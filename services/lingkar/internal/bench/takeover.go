package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
)

const (
	// steadyRate is how many events a second flow while a process is stopped.
	steadyRate = 50
	// killedWindow and hungWindow are how long is watched for events to flow again.
	killedWindow = 6 * time.Second
	hungWindow   = 14 * time.Second
	// healedPause is how long a process that came back stands by before the next.
	healedPause = 2 * time.Second
	watchPoll   = 5 * time.Millisecond
)

// takeOver runs two processes of each service apart, lets events flow, and stops one
// process after the other: it measures how long nothing flows until the second one
// goes on. First the relay is looked at, then the projection.
func takeOver(ctx context.Context, b *bench) (*Row, error) {
	dir, err := reachable("lingkar-bench-apart-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	apart, err := cluster.Start(ctx, cluster.Options{Dir: filepath.Join(dir, "data"), Program: b.Program, Replicas: 2})
	if err != nil {
		return nil, err
	}
	row, err := stopOneByOne(ctx, apart)
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if stopped := apart.Stop(stopping); err == nil {
		err = stopped
	}
	return row, err
}

func stopOneByOne(ctx context.Context, apart *cluster.Cluster) (*Row, error) {
	steady, err := startSteady(ctx, apart.Postgres.URL(contactDatabase))
	if err != nil {
		return nil, err
	}
	row, worst := &Row{Unit: "s"}, map[string]float64{}
	for _, part := range []struct{ name, area, database, count string }{
		{"relay", "contact", contactDatabase, "SELECT sum(published)::bigint FROM partition_head"},
		{"projection", "analytics", analyticsDatabase, "SELECT coalesce(sum(seq), 0)::bigint FROM projection_cursor WHERE area = 'contact'"},
	} {
		w, err := startWatch(ctx, apart.Postgres.URL(part.database), part.count)
		if err == nil {
			err = w.stopEach(ctx, apart.Of(part.area), func(how string, gap time.Duration) {
				row.note(part.name+", "+how, gap.Seconds(), "s")
				worst[how] = max(worst[how], gap.Seconds())
			})
			w.stop()
		}
		if err != nil {
			steady.stop()
			return nil, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	written, err := steady.stop()
	if err != nil {
		return nil, err
	}
	doubled, turned, err := stored(ctx, apart.Postgres.URL(analyticsDatabase), written)
	if err != nil {
		return nil, err
	}
	row.note("doubled", float64(doubled), fmt.Sprintf("of %d events", written))
	row.note("out of order", float64(turned), fmt.Sprintf("of %d events", written))
	row.Figure = Spread{Median: worst[killed], Min: min(worst[killed], worst[hung]), Max: max(worst[killed], worst[hung])}
	return row.aim("take-over of relay and projection: the slower of both where the process is killed, most where it hangs", "killed 2 s, hung 10 s, nothing doubled", "1 s, 5 s",
		worst[killed] <= 2 && worst[hung] <= 10 && doubled+turned == 0), nil
}

// How a process is stopped.
const (
	killed = "killed"
	hung   = "hung"
)

// watch notes when a count grows.
type watch struct {
	conn *pgx.Conn
	sql  string
	end  context.CancelFunc
	done chan struct{}

	mu     sync.Mutex
	grown  []time.Time
	failed error
}

func startWatch(ctx context.Context, url, count string) (*watch, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(ctx)
	w := &watch{conn: conn, sql: count, end: end, done: make(chan struct{})}
	go w.run(ctx)
	return w, nil
}

func (w *watch) run(ctx context.Context) {
	defer close(w.done)
	for last := int64(-1); ctx.Err() == nil; time.Sleep(watchPoll) {
		var n int64
		err := w.conn.QueryRow(context.WithoutCancel(ctx), w.sql).Scan(&n)
		w.mu.Lock()
		if err != nil {
			w.failed = err
		} else if n > last {
			w.grown = append(w.grown, time.Now())
		}
		w.mu.Unlock()
		last = n
	}
}

func (w *watch) stop() {
	w.end()
	<-w.done
	_ = w.conn.Close(context.Background()) // nothing is pending
}

// gap answers the longest time without growth that ended after an instant; until now
// where it has not ended.
func (w *watch) gap(since time.Time) (time.Duration, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return longestGap(w.grown, since, time.Now()), w.failed
}

// longestGap answers the longest time between two of the instants, which are in order,
// of which the second is after since; the last may be now.
func longestGap(instants []time.Time, since, now time.Time) time.Duration {
	longest, before := time.Duration(0), since
	for _, at := range append(instants[:len(instants):len(instants)], now) {
		if at.After(since) {
			longest = max(longest, at.Sub(before))
		}
		before = at
	}
	return longest
}

// stopEach kills the first process, so that the work is the second one's for certain;
// then it kills the second one, so that it is the first one's again; then that hangs.
// tell gets the last two.
func (w *watch) stopEach(ctx context.Context, processes []*cluster.Service, tell func(how string, gap time.Duration)) error {
	if len(processes) != 2 {
		return fmt.Errorf("there are %d processes", len(processes))
	}
	one, two := processes[0], processes[1]
	if _, err := w.kill(ctx, one); err != nil {
		return err
	}
	gap, err := w.kill(ctx, two)
	if err != nil {
		return err
	}
	tell(killed, gap)
	at := time.Now()
	one.Pause()
	rest(ctx, hungWindow)
	gap, err = w.gap(at)
	one.Resume()
	if err != nil {
		return err
	}
	tell(hung, gap)
	return back(ctx, one)
}

// kill kills a process, answers how long nothing went on, and starts it again.
func (w *watch) kill(ctx context.Context, p *cluster.Service) (time.Duration, error) {
	at := time.Now()
	p.Kill()
	rest(ctx, killedWindow)
	gap, err := w.gap(at)
	if err != nil {
		return 0, err
	}
	if err := p.Start(); err != nil {
		return 0, err
	}
	return gap, back(ctx, p)
}

// back waits until a process stands by.
func back(ctx context.Context, p *cluster.Service) error {
	if err := p.AwaitReady(ctx); err != nil {
		return err
	}
	rest(ctx, healedPause)
	return ctx.Err()
}

func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
