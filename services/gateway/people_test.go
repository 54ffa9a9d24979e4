package gateway_test

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway"
)

func TestTeams_standardMethods(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	testkit.Both(t, suite, []string{"PLT-17"}, func(t *testing.T, c *testkit.Client) {
		teams, other := platformv1.NewTeamServiceClient(c.Conn), platformv1.NewTeamServiceClient(c.Other().Conn)
		made := must(teams.CreateTeam(c.Ctx(), &platformv1.CreateTeamRequest{Team: &platformv1.Team{
			DisplayName: "Bandung " + c.Transport, Labels: map[string]string{"site": "bdg"}, ExternalIds: map[string]string{"hr": "7" + c.Transport},
		}}))(t)
		_, err := teams.CreateTeam(c.Ctx(), &platformv1.CreateTeamRequest{Team: &platformv1.Team{DisplayName: "BANDUNG " + c.Transport}})
		want(t, err, codes.AlreadyExists, "TEAM_NAME_TAKEN")
		_, err = teams.CreateTeam(c.Ctx(), &platformv1.CreateTeamRequest{Team: &platformv1.Team{
			DisplayName: "Other " + c.Transport, ExternalIds: map[string]string{"hr": "7" + c.Transport},
		}})
		want(t, err, codes.AlreadyExists, "EXTERNAL_ID_TAKEN")
		must(other.CreateTeam(c.Ctx(), &platformv1.CreateTeamRequest{Team: &platformv1.Team{DisplayName: "Bandung " + c.Transport}}))(t)

		if got := must(teams.GetTeam(c.Ctx(), &platformv1.GetTeamRequest{Name: made.GetName()}))(t); !proto.Equal(got, made) {
			t.Errorf("got %v, want %v", got, made)
		}
		pruned := must(teams.GetTeam(c.Ctx(), &platformv1.GetTeamRequest{
			Name: made.GetName(), ReadMask: &fieldmaskpb.FieldMask{Paths: []string{"display_name"}},
		}))(t)
		if !proto.Equal(pruned, &platformv1.Team{DisplayName: made.GetDisplayName()}) {
			t.Errorf("pruned to %v", pruned)
		}
		_, err = other.GetTeam(c.Ctx(), &platformv1.GetTeamRequest{Name: made.GetName()})
		want(t, err, codes.NotFound, "TEAM_NOT_FOUND")
		_, err = other.DeleteTeam(c.Ctx(), &platformv1.DeleteTeamRequest{Name: made.GetName()})
		want(t, err, codes.NotFound, "TEAM_NOT_FOUND")

		changed := must(teams.UpdateTeam(c.Ctx(), &platformv1.UpdateTeamRequest{
			Team:       &platformv1.Team{Name: made.GetName(), Description: "West Java", Labels: map[string]string{"ignored": "yes"}, Etag: made.GetEtag()},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"description"}},
		}))(t)
		if changed.GetDescription() != "West Java" || changed.GetLabels()["site"] != "bdg" || changed.GetEtag() == made.GetEtag() {
			t.Errorf("changed into %v", changed)
		}
		gone := must(teams.DeleteTeam(c.Ctx(), &platformv1.DeleteTeamRequest{Name: made.GetName(), Etag: changed.GetEtag()}))(t)
		if gone.GetDeleteTime() == nil {
			t.Error("deleted without a time")
		}
		list := must(teams.ListTeams(c.Ctx(), &platformv1.ListTeamsRequest{Filter: `display_name = "` + made.GetDisplayName() + `"`}))(t)
		if len(list.GetTeams()) != 0 {
			t.Errorf("a deleted team is listed: %v", list)
		}
		back := must(teams.UndeleteTeam(c.Ctx(), &platformv1.UndeleteTeamRequest{Name: made.GetName()}))(t)
		if back.GetDeleteTime() != nil {
			t.Errorf("brought back into %v", back)
		}
	})
}

// Row B16 of the catalogue of bad input: a name that is none is refused as such,
// whatever it looks like in a path.
func TestTeams_refuseBadNames(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	testkit.Both(t, suite, []string{"PLT-17"}, func(t *testing.T, c *testkit.Client) {
		teams := platformv1.NewTeamServiceClient(c.Conn)
		id := entity.NewID().String()
		for _, name := range []string{"teams/", "teams/x", "members/" + id, "teams/" + id + "/x", "teams/..", "teams/" + id + ":undelete", "teams/%2e%2e"} {
			_, err := teams.GetTeam(c.Ctx(), &platformv1.GetTeamRequest{Name: name})
			if errs.Code(err) != codes.InvalidArgument {
				t.Errorf("%s answers %v", name, err)
			}
		}
		_, err := teams.GetTeam(c.Ctx(), &platformv1.GetTeamRequest{Name: "teams/" + id})
		want(t, err, codes.NotFound, "TEAM_NOT_FOUND")
	})
}

func TestMembers_areSealedAndGrantNoMore(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	testkit.Both(t, suite, []string{"PLT-15"}, func(t *testing.T, c *testkit.Client) {
		members := platformv1.NewMemberServiceClient(c.Conn)
		subject := "users/siti-" + c.Transport
		contact := "contacts/" + entity.NewID().String()
		made := must(members.CreateMember(c.Ctx(), &platformv1.CreateMemberRequest{Member: &platformv1.Member{
			Subject: subject, Contact: contact, DisplayName: "Siti", Roles: []string{"roles/sales"},
		}}))(t)
		_, err := members.CreateMember(c.Ctx(), &platformv1.CreateMemberRequest{Member: &platformv1.Member{Subject: subject}})
		want(t, err, codes.AlreadyExists, "MEMBER_SUBJECT_TAKEN")
		_, err = members.CreateMember(c.Ctx(), &platformv1.CreateMemberRequest{Member: &platformv1.Member{Subject: subject + "2", DisplayName: "Siti"}})
		want(t, err, codes.InvalidArgument, "CONTACT_REQUIRED")
		_, err = members.CreateMember(c.Ctx(), &platformv1.CreateMemberRequest{Member: &platformv1.Member{Subject: "siti"}})
		want(t, err, codes.InvalidArgument, "FIELD_INVALID")
		for _, role := range []string{"roles/operator", "roles/service"} {
			_, err = members.CreateMember(c.Ctx(), &platformv1.CreateMemberRequest{Member: &platformv1.Member{Subject: subject + "3", Roles: []string{role}}})
			want(t, err, codes.PermissionDenied, "ROLE_NOT_GRANTABLE")
			_, err = members.UpdateMember(c.Ctx(), &platformv1.UpdateMemberRequest{Member: &platformv1.Member{Name: made.GetName(), Roles: []string{role}}})
			want(t, err, codes.PermissionDenied, "ROLE_NOT_GRANTABLE")
		}
		_, err = members.UpdateMember(c.Ctx(), &platformv1.UpdateMemberRequest{Member: &platformv1.Member{Name: made.GetName(), Subject: "users/else"}})
		want(t, err, codes.InvalidArgument, "FIELD_IMMUTABLE")
		_, err = platformv1.NewMemberServiceClient(c.Other().Conn).GetMember(c.Ctx(), &platformv1.GetMemberRequest{Name: made.GetName()})
		want(t, err, codes.NotFound, "MEMBER_NOT_FOUND")
		_, err = platformv1.NewMemberServiceClient(c.As(suite.As(auth.Manager)).Conn).CreateMember(c.Ctx(), &platformv1.CreateMemberRequest{
			Member: &platformv1.Member{Subject: subject + "4"},
		})
		want(t, err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
	})
}

// A user whose identity provider tells no roles has those of the member.
func TestMembers_lendRolesToTokensWithoutAny(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	admin := suite.Client(t, suite.As(auth.Admin))
	must(platformv1.NewMemberServiceClient(admin.Conn).CreateMember(admin.Ctx(), &platformv1.CreateMemberRequest{
		Member: &platformv1.Member{Subject: "users/budi", Roles: []string{"roles/analyst"}},
	}))(t)
	testkit.Both(t, suite, []string{"PLT-30"}, func(t *testing.T, c *testkit.Client) {
		budi := platformv1.NewTeamServiceClient(c.As(suite.User(suite.Tenant, "budi")).Conn)
		must(budi.ListTeams(c.Ctx(), &platformv1.ListTeamsRequest{}))(t)
		_, err := budi.CreateTeam(c.Ctx(), &platformv1.CreateTeamRequest{Team: &platformv1.Team{DisplayName: "Mine"}})
		want(t, err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
		nobody := platformv1.NewTeamServiceClient(c.As(suite.User(suite.Tenant, "nobody")).Conn)
		_, err = nobody.ListTeams(c.Ctx(), &platformv1.ListTeamsRequest{})
		want(t, err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
		elsewhere := platformv1.NewTeamServiceClient(c.As(suite.User(suite.Other, "budi")).Conn)
		_, err = elsewhere.ListTeams(c.Ctx(), &platformv1.ListTeamsRequest{})
		want(t, err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
	})
}

// PLT-15: each role says what it may do, and who may give it.
func TestRoles_tellWhatTheyMayDo(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	testkit.Both(t, suite, []string{"PLT-15"}, func(t *testing.T, c *testkit.Client) {
		roles := platformv1.NewRoleServiceClient(c.Conn)
		var names []string
		for token := ""; ; {
			page := must(roles.ListRoles(c.Ctx(), &platformv1.ListRolesRequest{PageSize: 4, PageToken: token}))(t)
			for _, r := range page.GetRoles() {
				names = append(names, r.GetName())
			}
			if token = page.GetNextPageToken(); token == "" {
				break
			}
		}
		if len(names) != len(auth.Roles) {
			t.Errorf("listed %v", names)
		}
		for i, r := range auth.Roles {
			if names[i] != "roles/"+string(r) {
				t.Errorf("role %d is %s, want %s", i, names[i], r)
			}
		}
		analyst := must(roles.GetRole(c.Ctx(), &platformv1.GetRoleRequest{Name: "roles/analyst"}))(t)
		granted := map[string]platformv1.Permission_Scope{}
		for _, p := range analyst.GetPermissions() {
			granted[p.GetMethod()] = p.GetScope()
		}
		if granted["lingkar.platform.v1.TeamService.ListTeams"] != platformv1.Permission_SCOPE_ALL || granted["lingkar.platform.v1.TeamService.CreateTeam"] != 0 {
			t.Errorf("an analyst may %v", granted)
		}
		_, err := roles.GetRole(c.Ctx(), &platformv1.GetRoleRequest{Name: "roles/emperor"})
		want(t, err, codes.NotFound, "ROLE_NOT_FOUND")
		_, err = roles.ListRoles(c.Ctx(), &platformv1.ListRolesRequest{PageToken: "x"})
		want(t, err, codes.InvalidArgument, "PAGE_TOKEN_INVALID")
	})
}
