package proxy

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	chunkBytes = 32 << 10
	// inFlight is how many chunks are on the way in one direction: what routers
	// and buffers would hold.
	inFlight = 64
)

// link is one connection through a proxy.
type link struct {
	proxy     *Proxy
	near      *net.TCPConn
	forgotten atomic.Bool

	mu   sync.Mutex
	far  *net.TCPConn
	once sync.Once
	done chan struct{} // closed when the link was reset
}

// chunk is what was read at once, and when it is due at the other end.
type chunk struct {
	data []byte
	due  time.Time
}

// connect takes the far end; false where there is none, or the link has ended.
func (l *link) connect(far *net.TCPConn) bool {
	if far == nil {
		return false
	}
	l.mu.Lock()
	l.far = far
	l.mu.Unlock()
	select {
	case <-l.done:
		abort(far)
		return false
	default:
		return true
	}
}

// passable waits until the conditions let anything pass; false when the link
// ended first.
func (l *link) passable() bool {
	for {
		c, changed := l.proxy.now()
		if !c.Blackhole {
			return true
		}
		select {
		case <-changed:
		case <-l.done:
			return false
		}
	}
}

// pump carries both directions until both have ended.
func (l *link) pump() {
	var both sync.WaitGroup
	both.Go(func() { l.direction(l.far, l.near, false) })
	both.Go(func() { l.direction(l.near, l.far, true) })
	both.Wait()
	l.near.Close()
	l.far.Close()
}

// direction carries from one end to the other.
func (l *link) direction(from, to *net.TCPConn, outward bool) {
	way := make(chan chunk, inFlight)
	go l.read(from, way)
	for c := range way {
		if !l.arrive(c) {
			return
		}
		if l.forgotten.Load() {
			continue
		}
		if _, err := to.Write(c.data); err != nil && !l.forgotten.Load() {
			l.reset()
			return
		}
	}
	if !l.forgotten.Load() {
		_ = to.CloseWrite() // fails where the end is gone already
		return
	}
	if !outward {
		<-l.done // the near end is told nothing
	}
}

// read reads until the end, and gives each chunk its time of arrival.
func (l *link) read(from *net.TCPConn, way chan<- chunk) {
	defer close(way)
	for {
		data := make([]byte, chunkBytes)
		n, err := from.Read(data)
		if n > 0 {
			c, _ := l.proxy.now()
			select {
			case way <- chunk{data[:n], time.Now().Add(delay(c))}:
			case <-l.done:
				return
			}
		}
		if err != nil {
			if err != io.EOF && !l.forgotten.Load() {
				l.reset()
			}
			return
		}
	}
}

func delay(c Conditions) time.Duration {
	if c.Jitter == 0 {
		return c.Latency
	}
	return max(0, c.Latency-c.Jitter+rand.N(2*c.Jitter))
}

// arrive waits until the chunk may be delivered; false when the link ended first.
func (l *link) arrive(c chunk) bool {
	wait := time.Until(c.due)
	if conditions, _ := l.proxy.now(); conditions.Bandwidth > 0 {
		wait = max(wait, time.Duration(len(c.data))*time.Second/time.Duration(conditions.Bandwidth))
	}
	if wait > 0 {
		select {
		case <-time.After(wait):
		case <-l.done:
			return false
		}
	}
	return l.passable()
}

// reset ends the link by RST towards both ends.
func (l *link) reset() {
	l.once.Do(func() {
		close(l.done)
		l.mu.Lock()
		defer l.mu.Unlock()
		abort(l.near)
		if l.far != nil {
			abort(l.far)
		}
	})
}

// forget resets the far end alone.
func (l *link) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.far != nil && l.forgotten.CompareAndSwap(false, true) {
		abort(l.far)
	}
}

// abort closes a connection by RST.
func abort(c *net.TCPConn) {
	_ = c.SetLinger(0) // both fail only where it is closed already
	_ = c.Close()
}
