package suite

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// listeners are the two ports of the gateway, taken before anything is started,
// so that a port in use ends the start at once.
type listeners struct {
	grpcListener, httpListener net.Listener
	grpc, http                 string
	taken                      bool
}

func listen(http, grpc string) (*listeners, error) {
	h, err := listenOn("--http", http)
	if err != nil {
		return nil, err
	}
	g, err := listenOn("--grpc", grpc)
	if err != nil {
		h.Close()
		return nil, err
	}
	return &listeners{grpcListener: g, httpListener: h, grpc: g.Addr().String(), http: h.Addr().String()}, nil
}

func listenOn(flag, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another program: choose another address with %s, or port 0 for a free one", address, flag)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", flag, address, err)
	}
	return l, nil
}

// take hands the listeners to the gateway, which closes them.
func (l *listeners) take() (grpc, http net.Listener) {
	l.taken = true
	return l.grpcListener, l.httpListener
}

func (l *listeners) closeUnused() {
	if !l.taken {
		l.grpcListener.Close()
		l.httpListener.Close()
	}
}
