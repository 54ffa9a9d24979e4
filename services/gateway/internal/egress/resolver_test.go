package egress

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// A name that two calls look up at once, at a server that does not answer, is let go with
// the context.
func TestResolver_ends(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	before := goleak.IgnoreCurrent()
	asked := make(chan bool, 100)
	ctx, cancel := context.WithCancel(t.Context())
	r := resolver(ctx, func(ctx context.Context, _, _ string) (net.Conn, error) {
		asked <- true
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	})
	var lookups sync.WaitGroup
	for range 2 {
		lookups.Go(func() { _, _ = r.LookupIPAddr(ctx, "crm.example.com") })
	}
	<-asked
	time.Sleep(10 * time.Millisecond) // for the second to join the first
	cancel()
	lookups.Wait()
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
}
