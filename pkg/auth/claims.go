package auth

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// claims are what a token says.
type claims struct {
	jwt.RegisteredClaims
	Tenant string   `json:"lingkar_tenant"`
	Roles  []Role   `json:"lingkar_roles"`
	Teams  []string `json:"lingkar_teams,omitempty"`
	// Contact is the UUID of the contact that a portal token speaks for, and Access that
	// of the access it was made for, which only our own issuer names.
	Contact string `json:"lingkar_contact,omitempty"`
	Access  string `json:"lingkar_portal_access,omitempty"`
}

const (
	maxTeams = 100
	users    = "users/"
)

var (
	ownSubject     = regexp.MustCompile(`^(users|apiKeys|services|portalAccesses)/[!-.0-~]{1,200}$`)
	foreignSubject = regexp.MustCompile(`^[!-.0-~]{1,200}$`)
)

// caller answers who the claims speak of. Only our own issuer may speak of
// services and API keys: from another, the subject is a user.
func (t *trust) caller(said claims) (Caller, error) {
	tenant, err := uuid.Parse(said.Tenant)
	if err != nil || len(said.Tenant) != 36 || tenant == uuid.Nil {
		return Caller{}, errors.New("its tenant is not a UUID")
	}
	if len(t.Tenants) > 0 && !slices.Contains(t.Tenants, tenant) {
		return Caller{}, errors.New("its issuer may not speak for its tenant")
	}
	subject, err := t.subject(said.Subject)
	if err != nil {
		return Caller{}, err
	}
	if len(said.Teams) > maxTeams {
		return Caller{}, fmt.Errorf("it names more than %d teams", maxTeams)
	}
	roles, err := t.roles(said.Roles)
	if err != nil {
		return Caller{}, err
	}
	c := Caller{Tenant: tenant, Subject: subject, Roles: roles, Teams: said.Teams}
	if c.Has(Portal) {
		err = t.standFor(&c, said)
	}
	return c, err
}

var (
	errPortalMixed   = errs.Unauthenticated("PORTAL_ROLE_MIXED", "a token with the role portal must hold no other role")
	errPortalContact = errs.Unauthenticated("PORTAL_CONTACT_MISSING", "a token with the role portal must name its contact: the claim lingkar_contact, a UUID")
)

// standFor notes for whom a portal token speaks. Of others the claim says nothing: a
// provider may know which contact one of the staff is, and that opens nothing.
func (t *trust) standFor(c *Caller, said claims) error {
	if len(c.Roles) > 1 {
		return errPortalMixed
	}
	var ok bool
	if c.Contact, ok = entity.ParseID(said.Contact); !ok {
		return errPortalContact
	}
	if t.Issuer == Internal && said.Access != "" {
		if c.Access, ok = entity.ParseID(said.Access); !ok {
			return errors.New("its portal access is not a UUID")
		}
	}
	return nil
}

func (t *trust) subject(sub string) (string, error) {
	if t.Issuer != Internal {
		if sub = strings.TrimPrefix(sub, users); !foreignSubject.MatchString(sub) {
			return "", errors.New("its subject is not a name of a user")
		}
		return users + sub, nil
	}
	if !ownSubject.MatchString(sub) {
		return "", errors.New("its subject is no user, API key, service or portal access")
	}
	return sub, nil
}

// roles keeps the roles we know: a provider may send others of its own. Services
// are ours alone, and operators those of the installation: an issuer that is
// bound to some tenants cannot name one.
func (t *trust) roles(said []Role) ([]Role, error) {
	var known []Role
	for _, r := range said {
		if r == Service && t.Issuer != Internal || r == Operator && len(t.Tenants) > 0 {
			return nil, fmt.Errorf("its issuer may not give the role %s", r)
		}
		if slices.Contains(Roles, r) && !slices.Contains(known, r) {
			known = append(known, r)
		}
	}
	return known, nil
}
