package gateway_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/gateway"
)

// desk is one caller at the front door.
type desk struct {
	views    platformv1.SavedViewServiceClient
	contacts contactv1.ContactServiceClient
}

// deskOf answers the desk of a caller, over the transport of the client: a view is known to
// the gateway, so every call goes there.
func deskOf(suite *testkit.Suite, c *testkit.Client, caller auth.Caller) desk {
	conn := c.As(caller).Conn
	if c.Transport == testkit.GRPC {
		conn = front(suite, caller)
	}
	return deskOver(conn)
}

func deskOver(conn grpc.ClientConnInterface) desk {
	return desk{platformv1.NewSavedViewServiceClient(conn), contactv1.NewContactServiceClient(conn)}
}

func listed(page *contactv1.ListContactsResponse) []string {
	names := []string{}
	for _, c := range page.GetContacts() {
		names = append(names, c.GetDisplayName())
	}
	return names
}

func view(name, filter, order string, columns ...string) *platformv1.SavedView {
	return &platformv1.SavedView{DisplayName: name, Resource: "contacts", Filter: filter, OrderBy: order, Columns: columns}
}

// A list that names a view is answered as if what it says stood in the request.
func TestSavedViews_completeLists(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition, contact.Definition)
	testkit.Both(t, suite, []string{"PLT-17"}, func(t *testing.T, c *testkit.Client) {
		ctx, d := c.Ctx(), deskOf(suite, c, c.Caller)
		region := map[string]string{testkit.GRPC: "ID", testkit.OverREST: "MY"}[c.Transport]
		for i, name := range []string{"Ani", "Budi", "Cici", "Dedi"} {
			p := person(name)
			p.RegionCode, p.LanguageCode = region, []string{"id", "en"}[i%2]
			must(d.contacts.CreateContact(ctx, &contactv1.CreateContactRequest{Contact: p}))(t)
		}
		made := must(d.views.CreateSavedView(ctx, &platformv1.CreateSavedViewRequest{SavedView: view("Indonesia", fmt.Sprintf("region_code = %q", region), "display_name desc", "display_name", "custom_fields.tier")}))(t)
		if made.GetOwner() != c.Caller.Subject || made.GetVisibility() != platformv1.SavedViewVisibility_SAVED_VIEW_VISIBILITY_PRIVATE {
			t.Fatalf("made %v", made)
		}
		list := func(req *contactv1.ListContactsRequest) *contactv1.ListContactsResponse {
			t.Helper()
			req.SavedView = made.GetName()
			return must(d.contacts.ListContacts(ctx, req))(t)
		}
		page := list(&contactv1.ListContactsRequest{PageSize: 3})
		if got := listed(page); !slices.Equal(got, []string{"Dedi", "Cici", "Budi"}) {
			t.Errorf("the view lists %v", got)
		}
		if first := page.GetContacts()[0]; first.GetName() == "" || first.GetCreateTime() != nil || first.GetRegionCode() != "" {
			t.Errorf("the columns of the view are %v", first)
		}
		if got := listed(list(&contactv1.ListContactsRequest{PageSize: 3, PageToken: page.GetNextPageToken()})); !slices.Equal(got, []string{"Ani"}) {
			t.Errorf("its second page lists %v", got)
		}
		narrowed := list(&contactv1.ListContactsRequest{Filter: `language_code = "id" OR display_name = "Budi"`, OrderBy: "display_name", ReadMask: &fieldmaskpb.FieldMask{Paths: []string{"display_name", "region_code"}}})
		if got := listed(narrowed); !slices.Equal(got, []string{"Ani", "Budi", "Cici"}) || narrowed.GetContacts()[0].GetRegionCode() == "" {
			t.Errorf("narrowed, in another order and with other columns it lists %v", narrowed)
		}

		// A change of columns and size goes on with the next page, one of the filter ends it.
		made.Columns, made.PageSize = nil, 1
		made = must(d.views.UpdateSavedView(ctx, &platformv1.UpdateSavedViewRequest{SavedView: made, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"columns", "page_size"}}}))(t)
		if got := list(&contactv1.ListContactsRequest{PageToken: page.GetNextPageToken()}); !slices.Equal(listed(got), []string{"Ani"}) || got.GetContacts()[0].GetCreateTime() == nil {
			t.Errorf("after a change of the columns the second page is %v", got)
		}
		if got := list(&contactv1.ListContactsRequest{}); len(got.GetContacts()) != 1 || got.GetNextPageToken() == "" {
			t.Errorf("a page of the view's size is %v", got)
		}
		made.Filter += ` AND language_code = "id"`
		must(d.views.UpdateSavedView(ctx, &platformv1.UpdateSavedViewRequest{SavedView: made}))(t)
		_, err := d.contacts.ListContacts(ctx, &contactv1.ListContactsRequest{SavedView: made.GetName(), PageToken: page.GetNextPageToken()})
		want(t, err, codes.InvalidArgument, "PAGE_TOKEN_INVALID")

		must(d.views.DeleteSavedView(ctx, &platformv1.DeleteSavedViewRequest{Name: made.GetName()}))(t)
		_, err = d.contacts.ListContacts(ctx, &contactv1.ListContactsRequest{SavedView: made.GetName()})
		want(t, err, codes.NotFound, "SAVED_VIEW_NOT_FOUND")
		must(d.views.UndeleteSavedView(ctx, &platformv1.UndeleteSavedViewRequest{Name: made.GetName()}))(t)
		if got := listed(list(&contactv1.ListContactsRequest{PageSize: 9})); !slices.Equal(got, []string{"Cici", "Ani"}) {
			t.Errorf("brought back it lists %v", got)
		}
		for _, name := range []string{"x", "savedViews/x", "contacts/" + entity.NewID().String(), "savedViews/-"} {
			_, err = d.contacts.ListContacts(ctx, &contactv1.ListContactsRequest{SavedView: name})
			want(t, err, codes.InvalidArgument, "FIELD_INVALID")
		}
	})
}

// What the list would refuse is refused when the view is written, in the words of the list.
func TestSavedViews_areTriedWhenWritten(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition, contact.Definition)
	testkit.Both(t, suite, []string{"PLT-17", "CON-10"}, func(t *testing.T, c *testkit.Client) {
		ctx, d := c.Ctx(), deskOf(suite, c, c.Caller)
		refused := func(v *platformv1.SavedView, field, reason string, asked *contactv1.ListContactsRequest) {
			t.Helper()
			_, err := d.views.CreateSavedView(ctx, &platformv1.CreateSavedViewRequest{SavedView: v})
			want(t, err, codes.InvalidArgument, reason)
			found := errs.FieldViolations(err)
			if len(found) != 1 || found[0].Field != "saved_view."+field {
				t.Fatalf("%v is refused for %v", v, found)
			}
			_, err = d.contacts.ListContacts(ctx, asked)
			if theirs := errs.FieldViolations(err); len(theirs) != 1 || theirs[0].Description != found[0].Description {
				t.Errorf("the list says %v, the view %v", theirs, found)
			}
		}
		refused(view("v", "colour = 1", ""), "filter", "FILTER_INVALID", &contactv1.ListContactsRequest{Filter: "colour = 1"})
		refused(view("v", "", "labels"), "order_by", "ORDER_BY_INVALID", &contactv1.ListContactsRequest{OrderBy: "labels"})
		refused(view("v", "", "", "colour"), "columns", "FIELD_INVALID", &contactv1.ListContactsRequest{ReadMask: &fieldmaskpb.FieldMask{Paths: []string{"colour"}}})

		key := "tier_" + map[string]string{testkit.GRPC: "g", testkit.OverREST: "r"}[c.Transport]
		order := "custom_fields." + key
		refused(view("v", "", order), "order_by", "ORDER_BY_INVALID", &contactv1.ListContactsRequest{OrderBy: order})
		must(contactv1.NewCustomFieldServiceClient(c.Conn).CreateCustomField(ctx, &contactv1.CreateCustomFieldRequest{CustomField: &contactv1.CustomField{
			Resource: "contacts", Key: key, Type: contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_INTEGER,
			DisplayNames: map[string]string{"en": "Tier"},
		}}))(t)
		refused(view("v", order+` = "gold"`, ""), "filter", "FILTER_INVALID", &contactv1.ListContactsRequest{Filter: order + ` = "gold"`})
		fits := must(d.views.CreateSavedView(ctx, &platformv1.CreateSavedViewRequest{SavedView: view("v", order+" > 1", "", order)}))(t)

		rich := person("Rich " + c.Transport)
		rich.CustomFields = must(structpb.NewStruct(map[string]any{key: 2}))(t)
		must(d.contacts.CreateContact(ctx, &contactv1.CreateContactRequest{Contact: rich}))(t)
		page := must(d.contacts.ListContacts(ctx, &contactv1.ListContactsRequest{SavedView: fits.GetName()}))(t)
		if len(page.GetContacts()) != 1 || page.GetContacts()[0].GetCustomFields().GetFields()[key].GetNumberValue() != 2 {
			t.Errorf("by a custom field it lists %v", page)
		}
		_, err := d.views.UpdateSavedView(ctx, &platformv1.UpdateSavedViewRequest{
			SavedView: &platformv1.SavedView{Name: fits.GetName(), OrderBy: "nothing"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"order_by"}},
		})
		want(t, err, codes.InvalidArgument, "ORDER_BY_INVALID")
		moved := view("v", "", "")
		moved.Name, moved.Resource = fits.GetName(), "leads"
		_, err = d.views.UpdateSavedView(ctx, &platformv1.UpdateSavedViewRequest{SavedView: moved})
		want(t, err, codes.InvalidArgument, "FIELD_IMMUTABLE")
		checked := must(d.views.CreateSavedView(ctx, &platformv1.CreateSavedViewRequest{SavedView: view("v", "", ""), ValidateOnly: true}))(t)
		_, err = d.views.GetSavedView(ctx, &platformv1.GetSavedViewRequest{Name: checked.GetName()})
		want(t, err, codes.NotFound, "SAVED_VIEW_NOT_FOUND")
	})
}

// A view is its owner's, its teams' or everybody's; nobody else hears of it.
func TestSavedViews_areShared(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition, contact.Definition)
	testkit.Both(t, suite, []string{"PLT-17"}, func(t *testing.T, c *testkit.Client) {
		team := "teams/" + entity.NewID().String()
		user := func(name string, teams []string, roles ...auth.Role) (auth.Caller, desk) {
			caller := suite.User(c.Caller.Tenant, name+c.Transport, roles...)
			caller.Teams = teams
			return caller, deskOf(suite, c, caller)
		}
		ctx := c.Ctx()
		_, siti := user("siti", []string{team}, auth.Sales)
		_, budi := user("budi", []string{team}, auth.Agent)
		_, cici := user("cici", nil, auth.Sales)
		_, boss := user("boss", nil, auth.Manager)
		admin, other := deskOf(suite, c, c.Caller), deskOf(suite, c, suite.AsOther(auth.Admin))

		own := must(siti.views.CreateSavedView(ctx, &platformv1.CreateSavedViewRequest{SavedView: view("mine", "", "")}))(t)
		seen := func(by desk, want bool) {
			t.Helper()
			_, got := by.views.GetSavedView(ctx, &platformv1.GetSavedViewRequest{Name: own.GetName()})
			list := must(by.views.ListSavedViews(ctx, &platformv1.ListSavedViewsRequest{Filter: `resource = "contacts"`, PageSize: 1000}))(t)
			in := slices.ContainsFunc(list.GetSavedViews(), func(v *platformv1.SavedView) bool { return v.GetName() == own.GetName() })
			_, used := by.contacts.ListContacts(ctx, &contactv1.ListContactsRequest{SavedView: own.GetName()})
			if (got == nil) != want || in != want || (used == nil) != want {
				t.Errorf("seen: got %v, listed %v, used %v; want %v", got, in, used, want)
			}
			if !want && (errs.Code(got) != codes.NotFound || errs.Code(used) != codes.NotFound) {
				t.Errorf("hidden by %v and %v", got, used)
			}
		}
		share := func(by desk, v platformv1.SavedViewVisibility, teams ...string) error {
			_, err := by.views.UpdateSavedView(ctx, &platformv1.UpdateSavedViewRequest{
				SavedView:  &platformv1.SavedView{Name: own.GetName(), Visibility: v, Teams: teams},
				UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"visibility", "teams"}},
			})
			return err
		}
		for _, by := range []desk{siti, admin} {
			seen(by, true)
		}
		for _, by := range []desk{budi, cici, boss, other} {
			seen(by, false)
		}
		want(t, share(siti, platformv1.SavedViewVisibility_SAVED_VIEW_VISIBILITY_TENANT), codes.PermissionDenied, "VIEW_NOT_SHARABLE")
		want(t, share(siti, platformv1.SavedViewVisibility_SAVED_VIEW_VISIBILITY_TEAMS, "teams/"+entity.NewID().String()), codes.PermissionDenied, "VIEW_NOT_SHARABLE")
		want(t, share(siti, platformv1.SavedViewVisibility_SAVED_VIEW_VISIBILITY_TEAMS), codes.InvalidArgument, "FIELD_INVALID")
		want(t, share(boss, platformv1.SavedViewVisibility_SAVED_VIEW_VISIBILITY_TENANT), codes.NotFound, "SAVED_VIEW_NOT_FOUND")
		if err := share(siti, platformv1.SavedViewVisibility_SAVED_VIEW_VISIBILITY_TEAMS, team); err != nil {
			t.Fatal(err)
		}
		seen(budi, true)
		seen(cici, false)
		seen(other, false)
		want(t, share(budi, platformv1.SavedViewVisibility_SAVED_VIEW_VISIBILITY_PRIVATE), codes.PermissionDenied, "VIEW_OF_OTHERS")
		_, err := budi.views.DeleteSavedView(ctx, &platformv1.DeleteSavedViewRequest{Name: own.GetName()})
		want(t, err, codes.PermissionDenied, "VIEW_OF_OTHERS")
		if err := share(admin, platformv1.SavedViewVisibility_SAVED_VIEW_VISIBILITY_TENANT); err != nil {
			t.Fatal(err)
		}
		for _, by := range []desk{budi, cici, boss} {
			seen(by, true)
		}
		seen(other, false)
		_, err = boss.views.DeleteSavedView(ctx, &platformv1.DeleteSavedViewRequest{Name: own.GetName()})
		if err != nil {
			t.Errorf("a manager cannot tidy up: %v", err)
		}
	})
}

// The reader's scope and the rules about fields hold for a view as for any other list.
func TestSavedViews_showNobodyMore(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition, contact.Definition)
	testkit.Both(t, suite, []string{"PLT-17", "CON-29", "CON-44"}, func(t *testing.T, c *testkit.Client) {
		ctx, admin := c.Ctx(), deskOf(suite, c, c.Caller)
		region := map[string]string{testkit.GRPC: "SG", testkit.OverREST: "TH"}[c.Transport]
		hidden := person("Hidden")
		hidden.RegionCode = region
		must(admin.contacts.CreateContact(ctx, &contactv1.CreateContactRequest{Contact: hidden}))(t)
		shared := view("all of a region", fmt.Sprintf("region_code = %q", region), "")
		shared.Visibility = platformv1.SavedViewVisibility_SAVED_VIEW_VISIBILITY_TENANT
		made := must(admin.views.CreateSavedView(ctx, &platformv1.CreateSavedViewRequest{SavedView: shared}))(t)
		request := &contactv1.ListContactsRequest{SavedView: made.GetName()}

		if got := listed(must(admin.contacts.ListContacts(ctx, request))(t)); !slices.Equal(got, []string{"Hidden"}) {
			t.Errorf("it lists %v", got)
		}
		agent := deskOf(suite, c, suite.User(c.Caller.Tenant, "agent", auth.Agent))
		must(agent.contacts.ListContacts(ctx, request))(t)
		rule := must(platformv1.NewFieldRuleServiceClient(c.Conn).CreateFieldRule(ctx, &platformv1.CreateFieldRuleRequest{FieldRule: &platformv1.FieldRule{
			ResourceType: "lingkar.dev/Contact", Field: "region_code", Readers: []string{"roles/manager"}, Reason: "where somebody lives is private",
		}}))(t)
		testkit.Eventually(t, func() error {
			if _, err := agent.contacts.ListContacts(ctx, request); errs.Reason(err) != "FIELD_HIDDEN" {
				return fmt.Errorf("a view by a hidden field answers %v", err)
			}
			return nil
		})
		_, err := agent.views.CreateSavedView(ctx, &platformv1.CreateSavedViewRequest{SavedView: view("peep", shared.GetFilter(), "")})
		want(t, err, codes.PermissionDenied, "FIELD_HIDDEN")
		if got := listed(must(admin.contacts.ListContacts(ctx, request))(t)); !slices.Equal(got, []string{"Hidden"}) {
			t.Errorf("an administrator is listed %v", got)
		}
		must(platformv1.NewFieldRuleServiceClient(c.Conn).DeleteFieldRule(ctx, &platformv1.DeleteFieldRuleRequest{Name: rule.GetName()}))(t)
		testkit.Eventually(t, func() error {
			_, err := agent.contacts.ListContacts(ctx, request)
			return err
		})
	})
}

// Everybody has a default of their own for each kind of list.
func TestSavedViews_default(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition, contact.Definition)
	testkit.Both(t, suite, []string{"PLT-17"}, func(t *testing.T, c *testkit.Client) {
		ctx := c.Ctx()
		boss := deskOf(suite, c, suite.User(c.Caller.Tenant, "boss"+c.Transport, auth.Manager))
		siti := deskOf(suite, c, suite.User(c.Caller.Tenant, "siti"+c.Transport, auth.Manager))
		for _, name := range []string{"Ani", "Budi"} {
			must(boss.contacts.CreateContact(ctx, &contactv1.CreateContactRequest{Contact: person(name + c.Transport)}))(t)
		}
		only := func(name string) *platformv1.SavedView {
			v := view(name, fmt.Sprintf("display_name = %q", name+c.Transport), "")
			v.Visibility = platformv1.SavedViewVisibility_SAVED_VIEW_VISIBILITY_TENANT
			return must(boss.views.CreateSavedView(ctx, &platformv1.CreateSavedViewRequest{SavedView: v}))(t)
		}
		ani, budi := only("Ani"), only("Budi")
		by := func(d desk) int {
			t.Helper()
			return len(must(d.contacts.ListContacts(ctx, &contactv1.ListContactsRequest{SavedView: "savedViews/default", PageSize: 100}))(t).GetContacts())
		}
		all := by(siti)
		if all < 2 {
			t.Fatalf("without a default %d contacts are listed", all)
		}
		for _, v := range []*platformv1.SavedView{ani, budi} {
			set := must(siti.views.SetDefaultSavedView(ctx, &platformv1.SetDefaultSavedViewRequest{Name: v.GetName()}))(t)
			if !set.GetCallerDefault() || by(siti) != 1 || by(boss) != all {
				t.Errorf("with a default %d are listed, to another %d", by(siti), by(boss))
			}
		}
		marked := must(siti.views.ListSavedViews(ctx, &platformv1.ListSavedViewsRequest{Filter: "visibility = SAVED_VIEW_VISIBILITY_TENANT", PageSize: 100}))(t)
		for _, v := range marked.GetSavedViews() {
			if v.GetCallerDefault() != (v.GetName() == budi.GetName()) {
				t.Errorf("marked %v", v)
			}
		}
		must(siti.views.ClearDefaultSavedView(ctx, &platformv1.ClearDefaultSavedViewRequest{Name: ani.GetName()}))(t)
		if by(siti) != 1 {
			t.Error("taking back what is no default took the default")
		}
		must(boss.views.UpdateSavedView(ctx, &platformv1.UpdateSavedViewRequest{
			SavedView:  &platformv1.SavedView{Name: budi.GetName(), Visibility: platformv1.SavedViewVisibility_SAVED_VIEW_VISIBILITY_PRIVATE},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"visibility"}},
		}))(t)
		if by(siti) != all {
			t.Error("a default works on that is shared no more")
		}
		_, err := siti.views.SetDefaultSavedView(ctx, &platformv1.SetDefaultSavedViewRequest{Name: budi.GetName()})
		want(t, err, codes.NotFound, "SAVED_VIEW_NOT_FOUND")
		must(siti.views.SetDefaultSavedView(ctx, &platformv1.SetDefaultSavedViewRequest{Name: ani.GetName()}))(t)
		must(boss.views.DeleteSavedView(ctx, &platformv1.DeleteSavedViewRequest{Name: ani.GetName()}))(t)
		if by(siti) != all {
			t.Error("a default works on that was deleted")
		}
		_, err = siti.views.SetDefaultSavedView(ctx, &platformv1.SetDefaultSavedViewRequest{Name: ani.GetName()})
		want(t, err, codes.FailedPrecondition, "DELETED")
	})
}

// The service of a list refuses a view that nobody has replaced.
func TestSavedViews_pastTheGateway(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition, contact.Definition)
	past := contactv1.NewContactServiceClient(suite.Conn("contact", suite.As(auth.Admin)))
	_, err := past.ListContacts(t.Context(), &contactv1.ListContactsRequest{SavedView: "savedViews/default"})
	want(t, err, codes.InvalidArgument, "FIELD_INVALID")
}

// Of a view that is hidden the caller learns no more than of one that never was: every call
// answers both in the same words.
func TestSavedViews_hiddenReadsAsMissing(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition, contact.Definition)
	testkit.Both(t, suite, []string{"PLT-17"}, func(t *testing.T, c *testkit.Client) {
		ctx := c.Ctx()
		siti := deskOf(suite, c, suite.User(c.Caller.Tenant, "siti"+c.Transport, auth.Sales))
		peeper := deskOf(suite, c, suite.User(c.Caller.Tenant, "peeper"+c.Transport, auth.Manager))
		hidden := must(siti.views.CreateSavedView(ctx, &platformv1.CreateSavedViewRequest{SavedView: view("mine", "", "")}))(t).GetName()
		missing := "savedViews/" + entity.NewID().String()
		for call, ask := range map[string]func(d desk, name string) error{
			"get": func(d desk, name string) error {
				_, err := d.views.GetSavedView(ctx, &platformv1.GetSavedViewRequest{Name: name})
				return err
			},
			"update": func(d desk, name string) error {
				_, err := d.views.UpdateSavedView(ctx, &platformv1.UpdateSavedViewRequest{SavedView: &platformv1.SavedView{Name: name, DisplayName: "mine now"}})
				return err
			},
			"delete": func(d desk, name string) error {
				_, err := d.views.DeleteSavedView(ctx, &platformv1.DeleteSavedViewRequest{Name: name})
				return err
			},
			"undelete": func(d desk, name string) error {
				_, err := d.views.UndeleteSavedView(ctx, &platformv1.UndeleteSavedViewRequest{Name: name})
				return err
			},
			"prefer": func(d desk, name string) error {
				_, err := d.views.SetDefaultSavedView(ctx, &platformv1.SetDefaultSavedViewRequest{Name: name})
				return err
			},
			"list by it": func(d desk, name string) error {
				_, err := d.contacts.ListContacts(ctx, &contactv1.ListContactsRequest{SavedView: name})
				return err
			},
		} {
			for by, d := range map[string]desk{"a colleague": peeper, "another tenant": deskOf(suite, c, suite.AsOther(auth.Admin))} {
				ofHidden, ofMissing := ask(d, hidden), ask(d, missing)
				want(t, ofHidden, codes.NotFound, "SAVED_VIEW_NOT_FOUND")
				if got, as := said(ofHidden), strings.ReplaceAll(said(ofMissing), missing, hidden); got != as {
					t.Errorf("%s asks to %s: of a hidden view it is said\n%s\nof a missing one\n%s", by, call, got, as)
				}
			}
		}
	})
}

// said is all that an answer says, but for the request's own id.
func said(err error) string {
	s := status.Convert(err)
	words := []string{s.Message()}
	for _, detail := range s.Details() {
		if _, own := detail.(*errdetails.RequestInfo); !own {
			words = append(words, fmt.Sprint(detail))
		}
	}
	return strings.Join(words, "\n")
}

// A change of a view is one read for the trial and one transaction of two round trips.
func TestSavedViews_changeIsOneTransaction(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition, contact.Definition)
	d := deskOver(front(suite, suite.As(auth.Admin)))
	made := must(d.views.CreateSavedView(t.Context(), &platformv1.CreateSavedViewRequest{SavedView: view("Indonesia", "", "")}))(t)
	made.Filter = `region_code = "ID"`
	var err error
	trips := suite.Trips.Of(platformv1.SavedViewService_UpdateSavedView_FullMethodName, func() {
		made, err = d.views.UpdateSavedView(t.Context(), &platformv1.UpdateSavedViewRequest{SavedView: made})
	})
	if err != nil || made.GetFilter() == "" || trips > 3 {
		t.Errorf("changed to %v, %v, in %d round trips", made, err, trips)
	}
}
