package workload

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/rest"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/ledger"
)

// maxAnswer is the largest answer that a service gives.
const maxAnswer = 8 << 20

// Tenant is a company that has callers.
type Tenant struct {
	// Name is "tenants/{uuid}", Token what its callers show.
	Name, Token string
	// ID is its uuid.
	ID string
}

// Doors are the two ways to the gateway, for one tenant.
type Doors struct {
	GRPC *grpc.ClientConn
	REST grpc.ClientConnInterface

	http string // where REST leads
	// token is shown instead of the tenant's; "" where that is.
	token string
}

type tokenKey struct{}

// bearing answers the doors for whoever shows the token.
func (d Doors) bearing(token string) Doors {
	d.token, d.REST = token, rest.Dial(d.http, func() string { return token })
	return d
}

// Open answers the doors for a tenant. Nothing is repeated on the way: whether a
// call may have been done is for the caller to know.
func Open(c *cluster.Cluster, t Tenant) (Doors, error) {
	ca, err := os.ReadFile(filepath.Join(c.Secrets.Dir, "operator", "ca.crt"))
	if err != nil {
		return Doors{}, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return Doors{}, errors.New("the authority's certificate cannot be read")
	}
	conn, err := grpc.NewClient(fmt.Sprintf("passthrough:///localhost:%d", c.GRPC.Port()),
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS13, RootCAs: pool, ServerName: "localhost"})),
		grpc.WithDisableRetry(), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)),
		grpc.WithUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			token, other := ctx.Value(tokenKey{}).(string)
			if !other {
				token = t.Token
			}
			return invoke(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token), method, req, reply, cc, opts...)
		}))
	if err != nil {
		return Doors{}, err
	}
	base := fmt.Sprintf("http://127.0.0.1:%d", c.HTTP.Port())
	return Doors{GRPC: conn, REST: rest.Dial(base, func() string { return t.Token }), http: base}, nil
}

// Invoke makes the call of an operation once.
func (d Doors) Invoke(ctx context.Context, op *ledger.Op) (answer proto.Message, position string, err error) {
	return d.invoke(ctx, op.REST, op.Method, op.Request)
}

func (d Doors) invoke(ctx context.Context, overREST bool, method string, req proto.Message) (proto.Message, string, error) {
	answer, err := answerOf(method)
	if err != nil {
		return nil, "", err
	}
	var conn grpc.ClientConnInterface = d.GRPC
	if overREST {
		conn = d.REST
	}
	if d.token != "" {
		ctx = context.WithValue(ctx, tokenKey{}, d.token)
	}
	var header metadata.MD
	err = conn.Invoke(ctx, method, req, answer, grpc.Header(&header))
	return answer, strings.Join(header.Get(call.PositionHeader), ""), err
}

// answerOf makes an empty answer of an RPC.
func answerOf(method string) (proto.Message, error) {
	kind := call.AnswerOf(method)
	if kind == nil {
		return nil, fmt.Errorf("there is no method %s", method)
	}
	t, err := protoregistry.GlobalTypes.FindMessageByName(kind.FullName())
	if err != nil {
		return nil, err
	}
	return t.New().Interface(), nil
}

// outcomeOf says what a caller knows after an answer.
func outcomeOf(err error) ledger.Outcome {
	switch status.Code(err) {
	case codes.OK:
		return ledger.OK
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.ResourceExhausted, codes.Aborted, codes.Internal, codes.Unknown:
		return ledger.Unknown
	}
	return ledger.Failed
}
