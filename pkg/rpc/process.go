package rpc

import (
	"context"
	"strings"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/certs"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/mesh"
)

// ErrCaller says that a service may not make a call, whatever its user may.
var ErrCaller = errs.Denied("CALLER_NOT_ALLOWED", "this service may not make this call")

// checkProcess refuses a process that has no business with the method. It is known
// by its certificate; where there is none, as inside the one binary, only a token
// that a service minted for itself tells who calls.
func (s *Server) checkProcess(ctx context.Context, caller auth.Caller, method string) error {
	claimed, own := strings.CutPrefix(caller.Subject, "services/")
	process, shown, secured := processOf(ctx)
	switch {
	case secured && s.front && own && process != claimed:
		return ErrCaller // a token of ours that came from outside was stolen
	case !s.served()[method]:
		return nil // passed on, and judged there
	case shown:
		return s.allowed(process, method)
	case own:
		return s.allowed(claimed, method)
	case secured && !mesh.Offered(method):
		return ErrCaller // for our own processes, and none has shown itself
	default:
		return nil
	}
}

func (s *Server) allowed(process, method string) error {
	if s.callers == nil || s.callers(process, method) {
		return nil
	}
	return ErrCaller.With("caller", process)
}

// processOf answers the service that the other side's certificate names, and whether
// the connection is over TLS at all.
func processOf(ctx context.Context) (name string, shown, secured bool) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return "", false, false
	}
	info, secured := p.AuthInfo.(credentials.TLSInfo)
	if !secured || len(info.State.PeerCertificates) == 0 {
		return "", false, secured
	}
	name, _ = certs.ServiceOf(info.State.PeerCertificates[0])
	return name, true, true
}
