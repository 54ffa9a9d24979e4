package service_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/service"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

// contracts answers the names of the services that reflection lists, and leaves
// its stream open.
func contracts(ctx context.Context, conn grpc.ClientConnInterface) ([]string, error) {
	stream, err := reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		return nil, err
	}
	ask := &reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}
	if err := stream.Send(ask); err != nil && !errors.Is(err, io.EOF) { // why it was refused already says the answer
		return nil, err
	}
	answer, err := stream.Recv()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range answer.GetListServicesResponse().GetService() {
		names = append(names, s.GetName())
	}
	return names, nil
}

func dialPlain(t *testing.T, target string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// The contracts are told on the private listener alone, to whoever reaches it; to
// callers the method does not exist. An open question does not hold up the stop.
func TestReflection_privateListenerAlone(t *testing.T) {
	t.Parallel()
	d := sample(nil)
	env := environment(t, d)
	running, err := service.Start(t.Context(), d, env)
	if err != nil {
		t.Fatal(err)
	}
	public, private := dialPlain(t, running.Addr), dialPlain(t, running.Admin)

	names, err := contracts(t.Context(), private)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"lingkar.sales.v1.LeadService", "lingkar.sales.v1.EventLogService", "grpc.health.v1.Health"} {
		if !slices.Contains(names, want) {
			t.Errorf("the private listener lists %v, not %s", names, want)
		}
	}
	older, err := reflectionv1alpha.NewServerReflectionClient(private).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	//lint:ignore SA1019 that it is deprecated is why it is tried
	if err := older.Send(&reflectionv1alpha.ServerReflectionRequest{MessageRequest: &reflectionv1alpha.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	if _, err := older.Recv(); err != nil {
		t.Errorf("older tools get %v", err)
	}
	_, err = salesv1.NewLeadServiceClient(private).GetLead(t.Context(), &salesv1.GetLeadRequest{Name: "leads/x"})
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("the private listener serves calls: %v", err)
	}

	caller := auth.Caller{Tenant: auth.NoTenant, Subject: "users/ann", Roles: []auth.Role{auth.Admin, auth.Operator}}
	if caller.Token, err = env.Issuer.Mint(caller, time.Minute); err != nil {
		t.Fatal(err)
	}
	_, err = contracts(metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+caller.Token), public)
	expect(t, "the public listener", err, codes.Unimplemented, "METHOD_UNKNOWN")
	_, err = contracts(t.Context(), public)
	expect(t, "the public listener without a token", err, codes.Unauthenticated, "TOKEN_MISSING")

	began := time.Now()
	if err := running.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 12*time.Second {
		t.Errorf("the stop took %v", took)
	}
}
