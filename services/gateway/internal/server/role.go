package server

import (
	"context"
	_ "embed"
	"encoding/json"
	"maps"
	"slices"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/role"
)

// permissions is what the policies of all services grant, as they were when a
// test last wrote the file: method to role to scope. It tells; it decides nothing.
//
//go:embed permissions.json
var permissions []byte

var roles = describeRoles()

func describeRoles() []*platformv1.Role {
	var granted map[string]map[string]string
	if err := json.Unmarshal(permissions, &granted); err != nil {
		panic("platform: permissions.json: " + err.Error())
	}
	var described []*platformv1.Role
	for _, r := range role.All {
		d := &platformv1.Role{Name: r.Name(), DisplayName: r.DisplayName, Description: r.Description}
		for _, giver := range r.GrantedBy {
			d.GrantedBy = append(d.GrantedBy, role.Prefix+giver)
		}
		for _, method := range slices.Sorted(maps.Keys(granted)) {
			if scope, ok := granted[method][r.ID]; ok {
				d.Permissions = append(d.Permissions, &platformv1.Permission{
					Method: method, Scope: platformv1.Permission_Scope(platformv1.Permission_Scope_value["SCOPE_"+scope]),
				})
			}
		}
		described = append(described, d)
	}
	return described
}

// GetRole implements platformv1.RoleServiceServer.
func (s *Server) GetRole(_ context.Context, req *platformv1.GetRoleRequest) (*platformv1.Role, error) {
	i := slices.IndexFunc(roles, func(r *platformv1.Role) bool { return r.GetName() == req.GetName() })
	if i < 0 {
		return nil, errs.NotFound("role", req.GetName())
	}
	return clone(roles[i]), nil
}

// defaultPage is larger than the number of roles.
const defaultPage = 50

// ListRoles implements platformv1.RoleServiceServer. A page token names the first
// role of its page: there is nothing in it to protect.
func (s *Server) ListRoles(_ context.Context, req *platformv1.ListRolesRequest) (*platformv1.ListRolesResponse, error) {
	rest := roles
	if token := req.GetPageToken(); token != "" {
		i := slices.IndexFunc(roles, func(r *platformv1.Role) bool { return r.GetName() == token })
		if i < 0 {
			return nil, errs.Invalid("page_token", "PAGE_TOKEN_INVALID", "the page token is not valid")
		}
		rest = roles[i:]
	}
	size := int(req.GetPageSize())
	if size == 0 {
		size = defaultPage
	}
	page := &platformv1.ListRolesResponse{}
	for i, r := range rest {
		if i == size {
			page.NextPageToken = r.GetName()
			break
		}
		page.Roles = append(page.Roles, clone(r))
	}
	return page, nil
}
