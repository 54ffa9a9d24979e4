package gateway_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway"
)

// doors are the two ways in, by which a bare token is shown.
func doors(t *testing.T, suite *testkit.Suite, token string) map[string]grpc.ClientConnInterface {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+suite.Services["platform"].Addr,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithPerRPCCredentials(bearer(token)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return map[string]grpc.ClientConnInterface{
		"gRPC": conn, "REST": testkit.REST(suite.HTTP, func() string { return token }),
	}
}

// bearer shows a token with every call, none where it is empty.
type bearer string

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	if b == "" {
		return nil, nil
	}
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (bearer) RequireTransportSecurity() bool { return false }

func TestApiKeys_live(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	testkit.Both(t, suite, []string{"PLT-30"}, func(t *testing.T, c *testkit.Client) {
		keys := platformv1.NewApiKeyServiceClient(c.Conn)
		asked := &platformv1.CreateApiKeyRequest{RequestId: "key-" + c.Transport, ApiKey: &platformv1.ApiKey{
			DisplayName: "till", Roles: []string{"roles/manager"}, ExpireTime: timestamppb.New(suite.Clock.Now().Add(time.Hour)),
		}}
		made := must(keys.CreateApiKey(c.Ctx(), asked))(t)
		if !strings.HasPrefix(made.GetSecret(), "lk_") || !strings.HasSuffix(made.GetSecret(), made.GetSecretSuffix()) ||
			made.GetState() != platformv1.ApiKey_STATE_ACTIVE {
			t.Fatalf("made %v", made)
		}
		if again := must(keys.CreateApiKey(c.Ctx(), asked))(t); again.GetName() != made.GetName() || again.GetSecret() != "" {
			t.Errorf("the repeated request answers %v", again)
		}
		if read := must(keys.GetApiKey(c.Ctx(), &platformv1.GetApiKeyRequest{Name: made.GetName()}))(t); read.GetSecret() != "" {
			t.Error("the secret can be read later")
		}
		if checked := must(keys.CreateApiKey(c.Ctx(), &platformv1.CreateApiKeyRequest{
			ApiKey: &platformv1.ApiKey{DisplayName: "x", Roles: []string{"roles/agent"}}, ValidateOnly: true,
		}))(t); checked.GetSecret() != "" {
			t.Error("a secret of nothing")
		}
		for door, conn := range doors(t, suite, made.GetSecret()) {
			team := must(platformv1.NewTeamServiceClient(conn).CreateTeam(c.Ctx(), &platformv1.CreateTeamRequest{
				Team: &platformv1.Team{DisplayName: "by key over " + door + " of " + c.Transport},
			}))(t)
			_, err := platformv1.NewTeamServiceClient(c.Other().Conn).GetTeam(c.Ctx(), &platformv1.GetTeamRequest{Name: team.GetName()})
			want(t, err, codes.NotFound, "TEAM_NOT_FOUND")
			_, err = platformv1.NewApiKeyServiceClient(conn).ListApiKeys(c.Ctx(), &platformv1.ListApiKeysRequest{})
			want(t, err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
		}
		testkit.Eventually(t, func() error {
			used, err := keys.GetApiKey(c.Ctx(), &platformv1.GetApiKeyRequest{Name: made.GetName()})
			if err == nil && used.GetLastUseTime() == nil {
				err = fmt.Errorf("no use is noted in %v", used)
			}
			return err
		})
		_, err := platformv1.NewApiKeyServiceClient(c.Other().Conn).RevokeApiKey(c.Ctx(), &platformv1.RevokeApiKeyRequest{Name: made.GetName()})
		want(t, err, codes.NotFound, "API_KEY_NOT_FOUND")
		revoked := must(keys.RevokeApiKey(c.Ctx(), &platformv1.RevokeApiKeyRequest{Name: made.GetName()}))(t)
		if revoked.GetState() != platformv1.ApiKey_STATE_REVOKED || revoked.GetDeleteTime() == nil || len(revoked.GetAllowedActions()) != 0 {
			t.Errorf("revoked into %v", revoked)
		}
		for _, conn := range doors(t, suite, made.GetSecret()) {
			_, err := platformv1.NewTeamServiceClient(conn).ListTeams(c.Ctx(), &platformv1.ListTeamsRequest{})
			want(t, err, codes.Unauthenticated, "TOKEN_INVALID")
		}
	})
}

func TestApiKeys_endWhenTheySay(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	c := suite.Client(t, suite.As(auth.Admin))
	keys := platformv1.NewApiKeyServiceClient(c.Conn)
	made := must(keys.CreateApiKey(c.Ctx(), &platformv1.CreateApiKeyRequest{ApiKey: &platformv1.ApiKey{
		DisplayName: "short", Roles: []string{"roles/analyst"}, ExpireTime: timestamppb.New(suite.Clock.Now().Add(time.Hour)),
	}}))(t)
	ways := doors(t, suite, made.GetSecret())
	for _, conn := range ways {
		must(platformv1.NewTeamServiceClient(conn).ListTeams(c.Ctx(), &platformv1.ListTeamsRequest{}))(t)
	}
	suite.Clock.Advance(time.Hour + time.Second)
	for _, conn := range ways {
		_, err := platformv1.NewTeamServiceClient(conn).ListTeams(c.Ctx(), &platformv1.ListTeamsRequest{})
		want(t, err, codes.Unauthenticated, "TOKEN_EXPIRED")
	}
	if state := must(keys.GetApiKey(c.Ctx(), &platformv1.GetApiKeyRequest{Name: made.GetName()}))(t).GetState(); state != platformv1.ApiKey_STATE_EXPIRED {
		t.Errorf("the state is %s", state)
	}
}

// Nobody makes a key that may more than they do.
func TestApiKeys_grantNoMore(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	testkit.Both(t, suite, []string{"PLT-15"}, func(t *testing.T, c *testkit.Client) {
		make := func(client *testkit.Client, roles ...string) error {
			_, err := platformv1.NewApiKeyServiceClient(client.Conn).CreateApiKey(c.Ctx(), &platformv1.CreateApiKeyRequest{
				ApiKey: &platformv1.ApiKey{DisplayName: "x", Roles: roles},
			})
			return err
		}
		want(t, make(c, "roles/admin", "roles/operator"), codes.PermissionDenied, "ROLE_NOT_GRANTABLE")
		want(t, make(c, "roles/service"), codes.PermissionDenied, "ROLE_NOT_GRANTABLE")
		want(t, make(c, "roles/portal"), codes.PermissionDenied, "ROLE_NOT_GRANTABLE")
		want(t, make(c, "roles/emperor"), codes.InvalidArgument, "ROLE_UNKNOWN")
		want(t, make(c), codes.InvalidArgument, "FIELD_INVALID")
		want(t, make(c.As(suite.As(auth.Manager)), "roles/manager"), codes.PermissionDenied, "RPC_NOT_ALLOWED")
		if err := make(c.As(suite.As(auth.Operator)), "roles/operator"); err != nil {
			t.Error(err)
		}
	})
}

func TestDoors_refuseWhatIsNoToken(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	for token, reason := range map[string]string{
		"": "TOKEN_MISSING", "lk_": "TOKEN_INVALID", "lk_" + strings.Repeat("A", 43): "TOKEN_INVALID",
		"lk_" + strings.Repeat("A", 9000): "TOKEN_INVALID", "x.y.z": "TOKEN_INVALID",
	} {
		for door, conn := range doors(t, suite, token) {
			_, err := platformv1.NewTeamServiceClient(conn).ListTeams(t.Context(), &platformv1.ListTeamsRequest{})
			t.Run(fmt.Sprintf("%s %.5s", door, token), func(t *testing.T) { want(t, err, codes.Unauthenticated, reason) })
		}
	}
}
