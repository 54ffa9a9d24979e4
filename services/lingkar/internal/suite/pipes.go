package suite

import (
	"context"
	"net"

	"google.golang.org/grpc/test/bufconn"
)

const (
	// pipeScheme is what a target within this process begins with: nobody looks its
	// name up.
	pipeScheme = "passthrough:///"
	// pipeBuffer is how many bytes wait in a pipe for their reader.
	pipeBuffer = 256 << 10
)

// pipes are the listeners of the services that only this process can reach, by area.
// Calls between services need not leave it, and no other account of the machine can make
// one.
type pipes map[string]*bufconn.Listener

// listen opens a listener for an area and answers what its target is called.
func (p pipes) listen(area string) (net.Listener, string) {
	p[area] = bufconn.Listen(pipeBuffer)
	return p[area], pipeScheme + area
}

// connect connects to the area of that name, and to any other address by TCP.
func (p pipes) connect(ctx context.Context, address string) (net.Conn, error) {
	if l, ok := p[address]; ok {
		return l.DialContext(ctx)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", address)
}
