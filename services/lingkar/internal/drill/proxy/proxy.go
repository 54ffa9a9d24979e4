// Package proxy carries TCP connections between the processes of a drill, and
// does to them what networks do: delays, loses, resets, forgets and narrows.
//
// It is a stand-in for a network, not for a load balancer: where an arrow has
// several ends, each new connection goes to the next end that takes it. Bytes are
// never changed, reordered or invented; what a fault holds back is delivered when
// it heals, unless the connection was reset meanwhile.
package proxy

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const dialTimeout = time.Second

// Conditions are what the network does to every connection of a proxy. The zero
// value is a network without faults.
type Conditions struct {
	// Latency is added to every chunk in either direction, more or less Jitter.
	Latency, Jitter time.Duration
	// Bandwidth is the most bytes a second in either direction of each
	// connection; 0 is unbounded.
	Bandwidth int
	// Blackhole holds everything back, new connections included, without telling
	// either end.
	Blackhole bool
}

// Proxy is one arrow between processes.
type Proxy struct {
	// Name says from where to where it leads, such as "contact-1>postgres".
	Name string

	listener net.Listener
	targets  []string
	turn     atomic.Uint32

	mu         sync.Mutex
	conditions Conditions
	changed    chan struct{} // closed when the conditions change
	links      map[*link]struct{}
	closed     bool
}

// Listen starts a proxy on a free port of the loopback interface.
func Listen(name string, targets ...string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{Name: name, listener: l, targets: targets, changed: make(chan struct{}), links: map[*link]struct{}{}}
	go p.accept()
	return p, nil
}

// Port is where it listens on 127.0.0.1.
func (p *Proxy) Port() int { return p.listener.Addr().(*net.TCPAddr).Port }

// Set makes the conditions hold for all connections, old and new.
func (p *Proxy) Set(c Conditions) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conditions = c
	close(p.changed)
	p.changed = make(chan struct{})
}

// Clear ends all conditions; what was held back is delivered.
func (p *Proxy) Clear() { p.Set(Conditions{}) }

// Reset ends every connection by RST towards both ends, and answers how many.
func (p *Proxy) Reset() int {
	links := p.all()
	for _, l := range links {
		l.reset()
	}
	return len(links)
}

// Forget loses the far half of every connection: the far end is reset, the near
// end is told nothing and its bytes vanish, as behind a firewall that lost its
// table. Remember ends it. It answers how many connections there were.
func (p *Proxy) Forget() int {
	links := p.all()
	for _, l := range links {
		l.forget()
	}
	return len(links)
}

// Remember resets what Forget left half-open, as a host does that gets a packet
// of a connection that it does not know.
func (p *Proxy) Remember() {
	for _, l := range p.all() {
		if l.forgotten.Load() {
			l.reset()
		}
	}
}

// Connections is how many connections are open.
func (p *Proxy) Connections() int { return len(p.all()) }

// Close ends the proxy and every connection.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	err := p.listener.Close()
	p.Clear()
	p.Reset()
	return err
}

func (p *Proxy) all() []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	links := make([]*link, 0, len(p.links))
	for l := range p.links {
		links = append(links, l)
	}
	return links
}

func (p *Proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		go p.carry(near.(*net.TCPConn))
	}
}

// carry connects an accepted connection to a target and pumps until it ends.
func (p *Proxy) carry(near *net.TCPConn) {
	l := &link{proxy: p, near: near, done: make(chan struct{})}
	if !p.add(l) {
		l.reset()
		return
	}
	defer p.remove(l)
	if !l.passable() {
		return
	}
	if !l.connect(p.dial()) {
		l.reset() // as a closed port answers
		return
	}
	l.pump()
}

// dial connects to the next target that takes the connection.
func (p *Proxy) dial() *net.TCPConn {
	first := int(p.turn.Add(1))
	for i := range p.targets {
		conn, err := net.DialTimeout("tcp", p.targets[(first+i)%len(p.targets)], dialTimeout)
		if err == nil {
			return conn.(*net.TCPConn)
		}
	}
	return nil
}

func (p *Proxy) add(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.links[l] = struct{}{}
	return true
}

func (p *Proxy) remove(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

// now answers the conditions, and what is closed when they change.
func (p *Proxy) now() (Conditions, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conditions, p.changed
}
