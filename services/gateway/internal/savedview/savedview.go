// Package savedview holds the lists that people keep under names: who may use one, who
// may change it, and with whom it may be shared. What it lists is the business of the
// list that it is used on.
package savedview

import (
	"slices"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// Collection begins the names of views.
const Collection = "savedViews"

// Visibility is who may use a view beside its owner.
type Visibility int32

// The visibilities, numbered as in the contract.
const (
	Private Visibility = 1
	Teams   Visibility = 2
	Tenant  Visibility = 3
)

// View is a list under a name.
type View struct {
	entity.Meta
	DisplayName string `db:"display_name"`
	// Resource is the collection of the records that it lists.
	Resource string `db:"resource"`
	// Filter and Order are as a caller of the list writes them.
	Filter string `db:"filter"`
	Order  string `db:"order_by"`
	// Columns are the fields to show, in their order; all where empty.
	Columns    []string   `db:"columns,json"`
	PageSize   int32      `db:"page_size"`
	Visibility Visibility `db:"visibility"`
	// SharedWith are the teams of one of visibility Teams.
	SharedWith []string `db:"teams,json"`
}

// Reader is who asks for a view.
type Reader struct {
	Subject string
	Teams   []string
	// Leader shares views with everybody and changes shared ones of others; Admin
	// reaches private ones of others too.
	Leader, Admin bool
}

// The errors of the rules.
var (
	errOthers       = errs.Denied("VIEW_OF_OTHERS", "a view is changed by its owner, and a shared one by managers too")
	errNotShareable = errs.Denied("VIEW_NOT_SHARABLE", "share a view with teams that you belong to; managers share with everybody")
)

// Check answers what is wrong with a view, by the fields of the contract.
func (v *View) Check() []errs.Violation {
	switch {
	case v.Visibility == Teams && len(v.SharedWith) == 0:
		return []errs.Violation{{Field: "teams", Description: "name at least one to share it with teams"}}
	case v.Visibility != Teams && len(v.SharedWith) > 0:
		return []errs.Violation{{Field: "teams", Description: "are for a view of visibility TEAMS"}}
	}
	return nil
}

// Shows reports whether the reader may use the view.
func (v *View) Shows(r Reader) bool {
	switch {
	case v.Owner == r.Subject || r.Admin || v.Visibility == Tenant:
		return true
	case v.Visibility == Teams:
		return slices.ContainsFunc(v.SharedWith, func(team string) bool { return slices.Contains(r.Teams, team) })
	}
	return false
}

// ListsAs reports whether two views ask the same of the same list.
func (v *View) ListsAs(other *View) bool {
	return v.Resource == other.Resource && v.Filter == other.Filter && v.Order == other.Order &&
		v.PageSize == other.PageSize && slices.Equal(v.Columns, other.Columns)
}

// Change refuses a reader, who sees the view, to change it.
func (v *View) Change(r Reader) error {
	if v.Owner == r.Subject || r.Leader && v.Visibility != Private || r.Admin {
		return nil
	}
	return errOthers
}

// Share refuses a reader to have the view seen by whom it would be seen.
func (v *View) Share(r Reader) error {
	own := func(team string) bool { return slices.Contains(r.Teams, team) }
	switch {
	case r.Leader || r.Admin || v.Visibility == Private:
		return nil
	case v.Visibility == Teams && !slices.ContainsFunc(v.SharedWith, func(team string) bool { return !own(team) }):
		return nil
	}
	return errNotShareable
}
