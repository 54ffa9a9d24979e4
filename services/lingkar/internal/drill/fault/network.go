package fault

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/nemesis"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/proxy"
)

// resetPause is the mean pause between two resets.
const resetPause = 150 * time.Millisecond

// network is a fault of some arrows.
type network struct {
	id, title string
	choose    func(c *cluster.Cluster) []*proxy.Proxy
	begin     func(l *proxy.Proxy)
	end       func(l *proxy.Proxy)
	hit       []*proxy.Proxy
}

// ID implements nemesis.Fault.
func (n *network) ID() string { return n.id }

// Title implements nemesis.Fault.
func (n *network) Title() string { return n.title }

// Inject implements nemesis.Fault.
func (n *network) Inject(_ context.Context, c *cluster.Cluster) error {
	n.hit = n.choose(c)
	for _, l := range n.hit {
		n.begin(l)
	}
	return nil
}

// Heal implements nemesis.Fault.
func (n *network) Heal(context.Context, *cluster.Cluster) error {
	for _, l := range n.hit {
		n.end(l)
	}
	n.hit = nil
	return nil
}

// someArrows answers all arrows to one store or service, or all of one process, or
// the clients' own.
func someArrows(r *rand.Rand) func(c *cluster.Cluster) []*proxy.Proxy {
	return func(c *cluster.Cluster) []*proxy.Proxy {
		ends := []string{cluster.PostgresName, cluster.BrokerName}
		for _, d := range fleet.All() {
			ends = append(ends, d.Area)
		}
		switch r.IntN(4) {
		case 0:
			return []*proxy.Proxy{c.GRPC, c.HTTP}
		case 1:
			return c.LinksOf(pick(r, c.Services).Name)
		default:
			return c.Links(pick(r, ends))
		}
	}
}

func blackhole(r *rand.Rand) nemesis.Fault {
	return &network{
		id: "F13", title: "the network swallows everything between some processes", choose: someArrows(r),
		begin: func(l *proxy.Proxy) { l.Set(proxy.Conditions{Blackhole: true}) }, end: (*proxy.Proxy).Clear,
	}
}

func latency(r *rand.Rand) nemesis.Fault {
	return &network{
		id: "F14", title: "the network is slow (500 ± 300 ms)", choose: someArrows(r),
		begin: func(l *proxy.Proxy) {
			l.Set(proxy.Conditions{Latency: 500 * time.Millisecond, Jitter: 300 * time.Millisecond})
		},
		end: (*proxy.Proxy).Clear,
	}
}

func bandwidth(r *rand.Rand) nemesis.Fault {
	return &network{
		id: "F14b", title: "the network is narrow (20 kB/s a connection)", choose: someArrows(r),
		begin: func(l *proxy.Proxy) { l.Set(proxy.Conditions{Bandwidth: 20_000}) }, end: (*proxy.Proxy).Clear,
	}
}

// resets ends connections by RST again and again, most of them while something is
// on its way.
func resets(r *rand.Rand) nemesis.Fault {
	choose := someArrows(r)
	var stop func()
	return &simple{
		id: "F15", title: "connections are reset in the middle of an answer",
		inject: func(_ context.Context, c *cluster.Cluster) error {
			links := choose(c)
			stop = during(func(ctx context.Context) {
				for ctx.Err() == nil {
					for _, l := range links {
						l.Reset()
					}
					sleep(ctx, rand.N(2*resetPause))
				}
			})
			return nil
		},
		heal: func(context.Context, *cluster.Cluster) error {
			if stop != nil {
				stop()
			}
			return nil
		},
	}
}

func halfOpen(r *rand.Rand) nemesis.Fault {
	return &network{
		id: "F16", title: "connections are half-open: one end is gone and nobody said so", choose: someArrows(r),
		begin: func(l *proxy.Proxy) { l.Forget() }, end: (*proxy.Proxy).Remember,
	}
}

// commitsLate makes transactions commit in another order than they began, and
// skips numbers of the log (F31).
func commitsLate() nemesis.Fault {
	burn := &simple{inject: func(ctx context.Context, c *cluster.Cluster) error {
		return inEachDatabase(ctx, c, "SELECT nextval('event_position') FROM generate_series(1, 50)")
	}}
	return &network{
		id: "F31", title: "commits come in another order than their numbers, and numbers are skipped",
		choose: func(c *cluster.Cluster) []*proxy.Proxy {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_ = burn.inject(ctx, c) // another fault may hold the database
			return c.Links(cluster.PostgresName)
		},
		begin: func(l *proxy.Proxy) {
			l.Set(proxy.Conditions{Latency: 40 * time.Millisecond, Jitter: 40 * time.Millisecond})
		},
		end: (*proxy.Proxy).Clear,
	}
}
