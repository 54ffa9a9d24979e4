package server

import (
	"github.com/lingkar-crm/lingkar/pkg/auth"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store/projection"
)

// Who may read what of a view is what the services that own it say themselves.
var (
	everyone = auth.Allow(auth.All, auth.Staff...).And(auth.Allow(auth.All, auth.Service))
	// Salespeople see the deals of their own and of their teams.
	deals = auth.Allow(auth.All, auth.Admin, auth.Manager, auth.Agent, auth.Marketer, auth.Analyst, auth.Service).
		And(auth.Allow(auth.Team, auth.Sales))
	// What customers say to the service desk is for those who meet them.
	front = auth.Allow(auth.All, auth.Admin, auth.Manager, auth.Sales, auth.Agent, auth.Service)
)

// sections say from which area each section comes, and who may read it.
var sections = map[analyticsv1.Section]struct {
	area    string
	readers auth.Rule
}{
	analyticsv1.Section_SECTION_PROFILE:          {"contact", everyone},
	analyticsv1.Section_SECTION_RELATIONSHIPS:    {"contact", everyone},
	analyticsv1.Section_SECTION_ACCOUNT_BALANCES: {"contact", everyone},
	analyticsv1.Section_SECTION_CUSTOM_FIELDS:    {"contact", everyone},
	analyticsv1.Section_SECTION_LEADS:            {"sales", everyone},
	analyticsv1.Section_SECTION_OPPORTUNITIES:    {"sales", deals},
	analyticsv1.Section_SECTION_ORDERS:           {"sales", deals},
	analyticsv1.Section_SECTION_PURCHASES:        {"sales", everyone},
	analyticsv1.Section_SECTION_TICKETS:          {"ticket", everyone},
	analyticsv1.Section_SECTION_SATISFACTION:     {"ticket", everyone},
	analyticsv1.Section_SECTION_TOUCHES:          {"campaign", everyone},
}

// workSections are those made of work items.
var workSections = []analyticsv1.Section{
	analyticsv1.Section_SECTION_LEADS, analyticsv1.Section_SECTION_OPPORTUNITIES, analyticsv1.Section_SECTION_ORDERS,
	analyticsv1.Section_SECTION_TICKETS, analyticsv1.Section_SECTION_TOUCHES,
}

// historians say who may read what happened in an area.
var historians = map[string]auth.Rule{
	"contact":  everyone,
	"sales":    everyone,
	"ticket":   front,
	"campaign": everyone,
}

// leaders read what is kept from those who meet customers, staff what is kept from those
// who only count.
var (
	leaders = auth.Allow(auth.All, auth.Admin, auth.Manager, auth.Service)
	staff   = leaders.And(auth.Allow(auth.All, auth.Sales, auth.Agent, auth.Marketer))
)

// guarded say who may read the resources of the collections that are guarded. One without
// a rule is nobody's.
var guarded = map[string]auth.Rule{
	"legalHolds":     leaders,
	"opportunities":  deals,
	"orders":         deals,
	"portalAccesses": staff,
}

// reachOf answers what of the guarded a caller may see.
func reachOf(c auth.Caller) store.Reach {
	r := store.Reach{Subject: c.Subject, Teams: c.Teams}
	for _, collection := range projection.Guarded {
		switch scope(guarded[collection], c.Roles) {
		case auth.All:
			r.All = append(r.All, collection)
		case auth.Team, auth.Own:
			r.Own = append(r.Own, collection)
		}
	}
	return r
}

// scope answers the widest that a rule grants to one of the roles.
func scope(rule auth.Rule, roles []auth.Role) auth.Scope {
	widest := auth.None
	for _, role := range roles {
		widest = max(widest, rule[role])
	}
	return widest
}

func mayRead(section analyticsv1.Section, c auth.Caller) bool {
	return scope(sections[section].readers, c.Roles) > auth.None
}

// history answers those of the wanted areas whose events the caller may read: of
// all where none are named. Whole is false where some had to be left out. Nil
// areas stand for all there are and will be.
func history(c auth.Caller, wanted []string) (areas []string, whole bool) {
	named := len(wanted) > 0
	if !named {
		wanted = store.Areas
	}
	areas, whole = []string{}, true
	for _, area := range wanted {
		rule, known := historians[area]
		switch {
		case scope(rule, c.Roles) > auth.None:
			areas = append(areas, area)
		case known:
			whole = false
		}
	}
	if whole && !named {
		return nil, true
	}
	return areas, whole
}
