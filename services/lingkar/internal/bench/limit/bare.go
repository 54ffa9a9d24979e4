package limit

import (
	"context"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// Bare is a gRPC server with nothing but the function of a sample behind it, and a
// connection to it. Both are in the process of the client, which favours the limit:
// no other process has to be woken.
type Bare struct {
	*grpc.ClientConn
	server *grpc.Server
}

// bareContacts answers what it was asked to create, once the rows are written.
type bareContacts struct {
	contactv1.UnimplementedContactServiceServer
	w *Writes
}

// CreateContact implements contactv1.ContactServiceServer.
func (s bareContacts) CreateContact(ctx context.Context, req *contactv1.CreateContactRequest) (*contactv1.Contact, error) {
	return req.GetContact(), s.w.Call(ctx, "create")
}

// bareInteractions answers what it was asked to record, once the rows are written.
type bareInteractions struct {
	contactv1.UnimplementedInteractionServiceServer
	w *Writes
}

// RecordInteraction implements contactv1.InteractionServiceServer.
func (s bareInteractions) RecordInteraction(ctx context.Context, req *contactv1.RecordInteractionRequest) (*contactv1.Interaction, error) {
	return req.GetInteraction(), s.w.Call(ctx, "record")
}

// Serve starts a bare server on loopback.
func (w *Writes) Serve() (*Bare, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient("passthrough:///"+l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		l.Close()
		return nil, err
	}
	b := &Bare{ClientConn: conn, server: grpc.NewServer()}
	contactv1.RegisterContactServiceServer(b.server, bareContacts{w: w})
	contactv1.RegisterInteractionServiceServer(b.server, bareInteractions{w: w})
	go func() { _ = b.server.Serve(l) }() // ends with Close
	return b, nil
}

// Close ends the connection and the server.
func (b *Bare) Close() {
	_ = b.ClientConn.Close() // no call is under way
	b.server.Stop()
}
