package server_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	moneypb "google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

func dateOf(t time.Time) *date.Date {
	return &date.Date{Year: int32(t.Year()), Month: int32(t.Month()), Day: int32(t.Day())}
}

// employ makes a person who works for the company since long ago.
func (a *api) employ(t testing.TB, s *testkit.Suite, name string, p *contactv1.EmployeeProfile) *contactv1.Contact {
	t.Helper()
	return a.create(t, &contactv1.Contact{Kind: person, DisplayName: name, Roles: []*contactv1.Role{{
		Kind: employee, StartTime: timestamppb.New(s.Clock.Now().AddDate(-3, 0, 0)), Employee: p,
	}}})
}

// directory searches employees.
func (a *api) directory(t testing.TB, req *contactv1.FindEmployeesRequest) (found []string) {
	t.Helper()
	for _, e := range must(contactv1.NewEmployeeServiceClient(a.Conn).FindEmployees(a.Ctx(), req))(t).GetEmployees() {
		found = append(found, e.GetDisplayName())
	}
	return found
}

// CON-39, CON-40: the directory of employees answers by skill and level, unit and job,
// and only those who are employees now.
func testFindEmployees(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-39", "CON-40"}, func(t *testing.T, a, other *api) {
		ctx, now := a.Ctx(), s.Clock.Now()
		skill := func(name string, level int32) *contactv1.EmployeeSkill {
			return &contactv1.EmployeeSkill{Skill: name, Level: level}
		}
		head := a.employ(t, s, "Ani", &contactv1.EmployeeProfile{Unit: "Service centre", JobTitle: "Head"})
		budi := a.employ(t, s, "Budi", &contactv1.EmployeeProfile{
			User: "users/budi", Unit: "Service centre", JobTitle: "Field engineer", Manager: head.GetName(),
			Skills:      []*contactv1.EmployeeSkill{skill("Router", 4), skill("Français", 2)},
			Experiences: []*contactv1.WorkExperience{{Organisation: "Bank Rakyat", Position: "Call centre", Description: "Complaints\nof all kinds"}},
		})
		a.employ(t, s, "Citra", &contactv1.EmployeeProfile{User: "users/citra", Unit: "Sales", Skills: []*contactv1.EmployeeSkill{
			skill("router", 2), {Skill: "Safety", Level: 5, CertifiedUntilDate: dateOf(now.AddDate(0, 0, -1))},
		}})
		former := a.employ(t, s, "Dewi", &contactv1.EmployeeProfile{Unit: "Service centre", Skills: []*contactv1.EmployeeSkill{skill("router", 5)}})
		must(a.EndRole(ctx, &contactv1.EndRoleRequest{Name: former.GetName(), Kind: employee}))(t)
		gone := a.employ(t, s, "Eko", &contactv1.EmployeeProfile{Unit: "Service centre"})
		must(a.DeleteContact(ctx, &contactv1.DeleteContactRequest{Name: gone.GetName()}))(t)
		wanted := func(name string, level int32) *contactv1.SkillRequirement {
			return &contactv1.SkillRequirement{Skill: name, MinLevel: level}
		}
		for _, c := range []struct {
			req  *contactv1.FindEmployeesRequest
			want []string
		}{
			{&contactv1.FindEmployeesRequest{}, []string{"Ani", "Budi", "Citra"}},
			{&contactv1.FindEmployeesRequest{Skills: []*contactv1.SkillRequirement{wanted("ROUTER", 0)}}, []string{"Budi", "Citra"}},
			{&contactv1.FindEmployeesRequest{Skills: []*contactv1.SkillRequirement{wanted("router", 3)}}, []string{"Budi"}},
			{&contactv1.FindEmployeesRequest{Skills: []*contactv1.SkillRequirement{wanted("router", 1), wanted("francais", 2)}}, []string{"Budi"}},
			{&contactv1.FindEmployeesRequest{Skills: []*contactv1.SkillRequirement{wanted("router", 1), wanted("francais", 3)}}, nil},
			{&contactv1.FindEmployeesRequest{Skills: []*contactv1.SkillRequirement{wanted("safety", 1)}}, nil},
			{&contactv1.FindEmployeesRequest{Unit: "service CENTRE"}, []string{"Ani", "Budi"}},
			{&contactv1.FindEmployeesRequest{Unit: "service centre", JobTitle: "field engineer"}, []string{"Budi"}},
			{&contactv1.FindEmployeesRequest{Manager: head.GetName()}, []string{"Budi"}},
			{&contactv1.FindEmployeesRequest{Users: []string{"users/citra", "users/nobody"}}, []string{"Citra"}},
		} {
			if got := a.directory(t, c.req); !slices.Equal(got, c.want) {
				t.Errorf("%v finds %v, want %v", c.req, got, c.want)
			}
		}
		if got := other.directory(t, &contactv1.FindEmployeesRequest{}); len(got) != 0 {
			t.Errorf("another tenant finds %v", got)
		}
		directory := contactv1.NewEmployeeServiceClient(a.Conn)
		page := must(directory.FindEmployees(ctx, &contactv1.FindEmployeesRequest{PageSize: 2}))(t)
		rest := must(directory.FindEmployees(ctx, &contactv1.FindEmployeesRequest{PageSize: 2, PageToken: page.GetNextPageToken()}))(t)
		if len(page.GetEmployees()) != 2 || len(rest.GetEmployees()) != 1 || rest.GetNextPageToken() != "" || rest.GetEmployees()[0].GetDisplayName() != "Citra" {
			t.Errorf("pages %v and %v", page, rest)
		}
		if got := page.GetEmployees()[1]; !proto.Equal(got.GetProfile(), budi.GetRoles()[0].GetEmployee()) || got.GetContact() != budi.GetName() {
			t.Errorf("found %v", got)
		}
		_, err := directory.FindEmployees(ctx, &contactv1.FindEmployeesRequest{Unit: "Sales", PageToken: page.GetNextPageToken()})
		refused(t, err, codes.InvalidArgument, "")
	})
}

// CON-40, CON-41: what an employee is and can is written on the role, stays when the role
// ends, and goes with the contact through a merge and back.
func testReviseRole(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-40", "CON-41", "A13"}, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		budi := a.employ(t, s, "Budi", &contactv1.EmployeeProfile{Unit: "Service centre", Skills: []*contactv1.EmployeeSkill{{Skill: "router", Level: 2}}})
		learned := &contactv1.ReviseRoleRequest{
			Name: budi.GetName(), Etag: budi.GetEtag(), UpdateMask: mask("employee.skills"),
			Role: &contactv1.Role{Kind: employee, Employee: &contactv1.EmployeeProfile{Skills: []*contactv1.EmployeeSkill{{Skill: "router", Level: 3}, {Skill: "chat", Level: 1}}}},
		}
		now := must(a.ReviseRole(ctx, learned))(t)
		if e := now.GetRoles()[0].GetEmployee(); e.GetUnit() != "Service centre" || len(e.GetSkills()) != 2 || e.GetSkills()[0].GetLevel() != 3 {
			t.Errorf("the role knows %v", e)
		}
		_, err := a.ReviseRole(ctx, learned)
		refused(t, err, codes.Aborted, "ETAG_MISMATCH")
		_, err = other.ReviseRole(ctx, &contactv1.ReviseRoleRequest{Name: budi.GetName(), Role: learned.GetRole()})
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
		_, err = a.ReviseRole(ctx, &contactv1.ReviseRoleRequest{Name: budi.GetName(), Role: &contactv1.Role{Kind: partner}})
		refused(t, err, codes.FailedPrecondition, "ROLE_NOT_HELD")
		_, err = a.ReviseRole(ctx, &contactv1.ReviseRoleRequest{Name: budi.GetName(), Role: learned.GetRole(), UpdateMask: mask("end_time")})
		violates(t, err, "update_mask", "FIELD_IMMUTABLE")
		learned.Etag, learned.Role.Employee.Skills[1].Skill = "", "ROUTER"
		_, err = a.ReviseRole(ctx, learned)
		violates(t, err, "role.employee.skills[1].skill", "")
		_, err = a.AssignRole(ctx, &contactv1.AssignRoleRequest{Name: budi.GetName(), Role: &contactv1.Role{Kind: partner, Employee: &contactv1.EmployeeProfile{}}})
		violates(t, err, "role.employee", "")

		must(a.EndRole(ctx, &contactv1.EndRoleRequest{Name: budi.GetName(), Kind: employee}))(t)
		if e := must(a.GetContact(ctx, &contactv1.GetContactRequest{Name: budi.GetName()}))(t).GetRoles()[0]; e.GetEndTime() == nil || len(e.GetEmployee().GetSkills()) != 2 {
			t.Errorf("after its end the role knows %v", e)
		}

		siti, twin := a.named(t, "Siti"), a.employ(t, s, "Siti", &contactv1.EmployeeProfile{Unit: "Sales"})
		merged := must(a.MergeContacts(ctx, &contactv1.MergeContactsRequest{Name: siti.GetName(), Contacts: []string{twin.GetName()}}))(t)
		if got := merged.GetRoles(); len(got) != 1 || got[0].GetEmployee().GetUnit() != "Sales" {
			t.Errorf("after the merge the roles are %v", got)
		}
		if got := must(contactv1.NewEmployeeServiceClient(a.Conn).FindEmployees(ctx, &contactv1.FindEmployeesRequest{Unit: "sales"}))(t).GetEmployees(); len(got) != 1 || got[0].GetContact() != siti.GetName() {
			t.Errorf("after the merge the directory shows %v", got)
		}
		must(a.UnmergeContact(ctx, &contactv1.UnmergeContactRequest{Name: twin.GetName()}))(t)
		if got := must(contactv1.NewEmployeeServiceClient(a.Conn).FindEmployees(ctx, &contactv1.FindEmployeesRequest{Unit: "sales"}))(t).GetEmployees(); len(got) != 1 || got[0].GetContact() != twin.GetName() {
			t.Errorf("apart again the directory shows %v", got)
		}
	})
}

// CON-41: trainings, goals, reviews and incentives hang on who is or was an employee;
// only managers read them, and they are exported and erased with the person.
func testEmployeeRecords(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-41"}, func(t *testing.T, a, other *api) {
		ctx, r := a.Ctx(), contactv1.NewEmployeeServiceClient(a.Conn)
		budi := a.employ(t, s, "Budi", nil).GetName()
		day := &date.Date{Year: 2026, Month: 3, Day: 31}
		made := map[contactv1.EmployeeRecordKind]*contactv1.EmployeeRecord{}
		for _, p := range []*contactv1.EmployeeRecord{
			{Content: &contactv1.EmployeeRecord_Training{Training: &contactv1.Training{Course: "Complaint handling", StartDate: day, EndDate: day, Result: contactv1.TrainingResult_TRAINING_RESULT_PASSED, Certificate: "CH-7"}}},
			{Content: &contactv1.EmployeeRecord_Goal{Goal: &contactv1.Goal{Measure: "solved at first contact", Unit: "%", Target: 80, StartDate: day}}},
			{Content: &contactv1.EmployeeRecord_PerformanceReview{PerformanceReview: &contactv1.PerformanceReview{Score: 4.5, Reviewer: "users/ani", Comment: "Calm.\nReliable."}}},
			{Content: &contactv1.EmployeeRecord_Incentive{Incentive: &contactv1.Incentive{Reason: "goal reached", Amount: &moneypb.Money{CurrencyCode: "IDR", Units: 500000}, GrantDate: day}}},
		} {
			p.Contact, p.Source = budi, "hr"
			got := must(r.CreateEmployeeRecord(ctx, &contactv1.CreateEmployeeRecordRequest{EmployeeRecord: p}))(t)
			p.Name, p.Kind, p.Etag, p.CreateTime, p.UpdateTime = got.GetName(), got.GetKind(), got.GetEtag(), got.GetCreateTime(), got.GetUpdateTime()
			if !proto.Equal(got, p) || got.GetKind() == 0 {
				t.Errorf("created %v, want %v", got, p)
			}
			made[got.GetKind()] = got
		}
		goal := made[contactv1.EmployeeRecordKind_EMPLOYEE_RECORD_KIND_GOAL]
		reached := must(r.UpdateEmployeeRecord(ctx, &contactv1.UpdateEmployeeRecordRequest{
			EmployeeRecord: &contactv1.EmployeeRecord{Name: goal.GetName(), Content: &contactv1.EmployeeRecord_Goal{Goal: &contactv1.Goal{Actual: 83}}}, UpdateMask: mask("goal.actual"),
		}))(t)
		if got := reached.GetGoal(); got.GetActual() != 83 || got.GetTarget() != 80 {
			t.Errorf("the goal is %v", got)
		}
		_, err := r.UpdateEmployeeRecord(ctx, &contactv1.UpdateEmployeeRecordRequest{EmployeeRecord: &contactv1.EmployeeRecord{Name: goal.GetName(), Content: &contactv1.EmployeeRecord_Training{Training: &contactv1.Training{Course: "x"}}}})
		refused(t, err, codes.InvalidArgument, "")
		list := must(r.ListEmployeeRecords(ctx, &contactv1.ListEmployeeRecordsRequest{Contact: budi, Filter: "kind = EMPLOYEE_RECORD_KIND_GOAL"}))(t).GetEmployeeRecords()
		if len(list) != 1 || !proto.Equal(list[0], reached) {
			t.Errorf("listed %v", list)
		}
		siti := a.named(t, "Siti").GetName()
		_, err = r.CreateEmployeeRecord(ctx, &contactv1.CreateEmployeeRecordRequest{EmployeeRecord: &contactv1.EmployeeRecord{Contact: siti, Content: goal.GetContent()}})
		refused(t, err, codes.FailedPrecondition, "ROLE_NOT_HELD")
		_, err = r.CreateEmployeeRecord(ctx, &contactv1.CreateEmployeeRecordRequest{EmployeeRecord: &contactv1.EmployeeRecord{Contact: budi, Content: &contactv1.EmployeeRecord_Training{
			Training: &contactv1.Training{Course: "x", StartDate: day, EndDate: &date.Date{Year: 2026, Month: 3, Day: 30}},
		}}})
		violates(t, err, "employee_record.training.end_date", "")
		for _, role := range []auth.Role{auth.Sales, auth.Agent, auth.Marketer, auth.Analyst} {
			_, err := contactv1.NewEmployeeServiceClient(a.As(s.User(a.Caller.Tenant, "someone", role)).Conn).ListEmployeeRecords(ctx, &contactv1.ListEmployeeRecordsRequest{})
			refused(t, err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
		}
		theirs := contactv1.NewEmployeeServiceClient(other.Conn)
		_, err = theirs.GetEmployeeRecord(other.Ctx(), &contactv1.GetEmployeeRecordRequest{Name: goal.GetName()})
		refused(t, err, codes.NotFound, "EMPLOYEE_RECORD_NOT_FOUND")
		if got := must(theirs.ListEmployeeRecords(other.Ctx(), &contactv1.ListEmployeeRecordsRequest{}))(t).GetEmployeeRecords(); len(got) != 0 {
			t.Errorf("another tenant lists %v", got)
		}
		must(r.DeleteEmployeeRecord(ctx, &contactv1.DeleteEmployeeRecordRequest{Name: goal.GetName()}))(t)
		must(r.UndeleteEmployeeRecord(ctx, &contactv1.UndeleteEmployeeRecordRequest{Name: goal.GetName()}))(t)

		must(a.EndRole(ctx, &contactv1.EndRoleRequest{Name: budi, Kind: employee}))(t)
		data := must(rightsOf(a).ExportContactData(ctx, &contactv1.ExportContactDataRequest{Name: budi, Format: contactv1.DataFormat_DATA_FORMAT_CSV}))(t)
		if !containsAll(string(data.GetContent()), "Complaint handling", "goal reached", "solved at first contact", "users/ani") {
			t.Errorf("exported %s", data.GetContent())
		}
		must(rightsOf(a).EraseContact(ctx, &contactv1.EraseContactRequest{Name: budi, Reason: askedFor}))(t)
		left := must(r.ListEmployeeRecords(ctx, &contactv1.ListEmployeeRecordsRequest{Contact: budi}))(t).GetEmployeeRecords()
		if len(left) != 4 {
			t.Errorf("%d records are left", len(left))
		}
		for _, e := range left {
			if e.GetIncentive().GetReason()+e.GetGoal().GetMeasure()+e.GetTraining().GetCourse()+e.GetPerformanceReview().GetComment() != "" {
				t.Errorf("after the erasure: %v", e)
			}
		}
		if got := a.directory(t, &contactv1.FindEmployeesRequest{}); len(got) != 0 {
			t.Errorf("the directory shows %v", got)
		}
	})
}

func containsAll(text string, parts ...string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
}
