package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/certs"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/home"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/secrets"
)

// connect answers a connection to the suite that the flags name, and a context
// that carries the token.
func (g *global) connect(ctx context.Context) (context.Context, *grpc.ClientConn, error) {
	server, token, err := g.target()
	if err != nil {
		return nil, nil, err
	}
	secured, err := g.transport(server)
	if err != nil {
		return nil, nil, err
	}
	conn, err := grpc.NewClient("passthrough:///"+server, grpc.WithTransportCredentials(secured),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(8<<20)))
	if err != nil {
		return nil, nil, fmt.Errorf("cannot reach %s: %w", server, err)
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token), conn, nil
}

// target answers the gRPC address and the token.
func (g *global) target() (server, token string, err error) {
	token = g.token
	if token == "" {
		token = os.Getenv("LINGKAR_TOKEN")
	}
	if g.server != "" {
		if token == "" {
			return "", "", usageError{fmt.Errorf("--server needs --token or $LINGKAR_TOKEN")}
		}
		return g.server, token, nil
	}
	state, err := g.running()
	if err != nil {
		return "", "", err
	}
	if token == "" {
		token = state.Token
	}
	return state.GRPC, token, nil
}

// running answers where the suite on the data directory is.
func (g *global) running() (home.State, error) {
	if !home.Running(g.dataDir) {
		return home.State{}, fmt.Errorf("no suite is up on %s: start one with `lingkar up`, or name another with --data-dir or --server", g.dataDir)
	}
	state, err := home.ReadState(g.dataDir)
	if err != nil {
		return home.State{}, fmt.Errorf("the suite on %s is still starting; try again in a moment", g.dataDir)
	}
	return state, nil
}

// transport is TLS by the authority that the flags name. Without one it is plain text
// on this machine, and TLS by the system's authorities anywhere else.
func (g *global) transport(server string) (credentials.TransportCredentials, error) {
	secured := &tls.Config{MinVersion: tls.VersionTLS12}
	if g.server != "" && g.ca != "" {
		authority, err := os.ReadFile(g.ca)
		if err != nil {
			return nil, usageError{fmt.Errorf("--ca: %w", err)}
		}
		secured.RootCAs = x509.NewCertPool()
		if !secured.RootCAs.AppendCertsFromPEM(authority) {
			return nil, usageError{fmt.Errorf("--ca: %s holds no certificate", g.ca)}
		}
		return credentials.NewTLS(secured), nil
	}
	host, _, err := net.SplitHostPort(server)
	if err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback()) {
		return insecure.NewCredentials(), nil
	}
	return credentials.NewTLS(secured), nil
}

// defaultAuthority is that of the suite whose secrets are at hand, as in the tools
// container of compose; empty where there are none.
func defaultAuthority() string {
	dir := os.Getenv("LINGKAR_SECRETS")
	if dir == "" {
		return ""
	}
	path := filepath.Join(dir, secrets.Operator, certs.AuthorityCert)
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// printMessage writes a message as JSON, on one line.
func printMessage(w io.Writer, m proto.Message) error {
	raw, err := protojson.Marshal(m)
	if err != nil {
		return err
	}
	var compact json.RawMessage = raw
	return json.NewEncoder(w).Encode(compact)
}
