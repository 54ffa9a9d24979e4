package cli

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/services/lingkar/internal/home"
)

// connect answers a connection to the suite that the flags name, and a context
// that carries the token.
func (g *global) connect(ctx context.Context) (context.Context, *grpc.ClientConn, error) {
	server, token, err := g.target()
	if err != nil {
		return nil, nil, err
	}
	conn, err := grpc.NewClient("passthrough:///"+server, grpc.WithTransportCredentials(transport(server)),
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

// transport is plain text on this machine and TLS anywhere else.
func transport(server string) credentials.TransportCredentials {
	host, _, err := net.SplitHostPort(server)
	if err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback()) {
		return insecure.NewCredentials()
	}
	return credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})
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
