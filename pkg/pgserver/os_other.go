//go:build !unix

package pgserver

import (
	"context"
	"errors"
)

type child struct{ done chan struct{} }

// Start answers an error: this system is not supported.
func Start(context.Context, Options) (*Server, error) {
	return nil, errors.New("pgserver: runs on Linux and macOS only: set LINGKAR_DATABASE_URL to a PostgreSQL of your own")
}

// Stop does nothing, since nothing starts here.
func (s *Server) Stop(context.Context) error { return nil }

// AddressOf answers an error: this system is not supported.
func AddressOf(string) (Address, error) {
	return Address{}, errors.New("pgserver: runs on Linux and macOS only")
}
