package rpc_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
)

type watcher = grpc.ServerStreamingServer[analyticsv1.WatchCustomerResponse]

// watch opens the stream and answers the error of its first message.
func watch(ctx context.Context, conn *grpc.ClientConn, name string) (*analyticsv1.WatchCustomerResponse, error) {
	stream, err := analyticsv1.NewCustomerViewServiceClient(conn).WatchCustomer(ctx, &analyticsv1.WatchCustomerRequest{Name: name})
	if err != nil {
		return nil, err
	}
	return stream.Recv()
}

func TestStreams_goThroughTheSameChain(t *testing.T) {
	t.Parallel()
	s := serve(t, &contacts{}, &views{watch: func(req *analyticsv1.WatchCustomerRequest, stream watcher) error {
		ctx := stream.Context()
		if _, limited := ctx.Deadline(); limited && req.GetName() == "customers/endless" {
			return errors.New("a stream has a deadline of the server's making")
		}
		if req.GetName() == "customers/refused" {
			return errs.Refused("CLOSED", "it is closed")
		}
		return stream.Send(&analyticsv1.WatchCustomerResponse{Cursor: auth.From(ctx).Subject + " " + call.From(ctx).Method})
	}}, nil)
	conn := s.dial(t)
	nobody, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()

	got, err := watch(as(t, auth.Admin), conn, "customers/a")
	if err != nil || got.GetCursor() != "users/ann "+analyticsv1.CustomerViewService_WatchCustomer_FullMethodName {
		t.Errorf("got %v, %v", got, err)
	}
	endless, stop := context.WithCancel(context.WithoutCancel(as(t, auth.Admin)))
	defer stop()
	if _, err := watch(endless, conn, "customers/endless"); err != nil {
		t.Error(err)
	}
	_, err = watch(nobody, conn, "customers/a")
	expect(t, "no token", err, codes.Unauthenticated, "TOKEN_MISSING")
	_, err = watch(as(t, auth.Sales), conn, "customers/a")
	expect(t, "without the role", err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
	_, err = watch(as(t, auth.Admin), conn, "")
	expect(t, "against a rule", err, codes.InvalidArgument, "FIELD_INVALID")
	_, err = watch(as(t, auth.Admin), conn, "customers/a\x00")
	expect(t, "with a NUL", err, codes.InvalidArgument, "INVALID_TEXT")
	_, err = watch(as(t, auth.Admin), conn, "customers/refused")
	expect(t, "refused", err, codes.FailedPrecondition, "CLOSED")

	raw, err := conn.NewStream(as(t, auth.Admin), &grpc.StreamDesc{ServerStreams: true},
		analyticsv1.CustomerViewService_WatchCustomer_FullMethodName, grpc.ForceCodecV2(rpc.Codec()))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(raw.SendMsg(&rpc.Frame{Payload: []byte{0x0a, 0xff}}), raw.CloseSend()); err != nil {
		t.Fatal(err)
	}
	expect(t, "malformed", raw.RecvMsg(&rpc.Frame{}), codes.InvalidArgument, "MALFORMED_MESSAGE")
}

// B44: one caller cannot hold all the streams.
func TestStreams_areBoundedPerCaller(t *testing.T) {
	t.Parallel()
	testkit.Prove(t, testkit.GRPC, "B44")
	s := serve(t, &contacts{}, &views{watch: func(_ *analyticsv1.WatchCustomerRequest, stream watcher) error {
		if err := stream.Send(&analyticsv1.WatchCustomerResponse{}); err != nil {
			return err
		}
		<-stream.Context().Done()
		return stream.Context().Err()
	}}, nil)
	conn := s.dial(t)
	client := analyticsv1.NewCustomerViewServiceClient(conn)
	held, release := context.WithCancel(context.WithoutCancel(as(t, auth.Admin)))
	defer release()
	for range 64 {
		stream, err := client.WatchCustomer(held, &analyticsv1.WatchCustomerRequest{Name: "customers/a"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	_, err := watch(as(t, auth.Admin), conn, "customers/a")
	expect(t, "one more", err, codes.ResourceExhausted, "TOO_MANY_STREAMS")
	release()
	for range 200 {
		ctx, cancel := context.WithCancel(as(t, auth.Admin))
		_, err = watch(ctx, conn, "customers/a")
		cancel()
		if err == nil || errors.Is(err, io.EOF) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("when they are gone: %v", err)
}
