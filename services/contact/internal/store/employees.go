package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/text"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

func employeeProto(e *contact.EmployeeProfile) *contactv1.EmployeeProfile {
	if e == nil {
		return nil
	}
	p := &contactv1.EmployeeProfile{User: e.User, Unit: e.Unit, JobTitle: e.JobTitle, Manager: fields.Name(contacts, e.Manager)}
	for _, s := range e.Skills {
		p.Skills = append(p.Skills, &contactv1.EmployeeSkill{
			Skill: s.Name, Level: s.Level, SinceDate: dayProto(s.Since), CertifiedUntilDate: dayProto(s.CertifiedUntil),
		})
	}
	for _, x := range e.Experiences {
		p.Experiences = append(p.Experiences, &contactv1.WorkExperience{
			Organisation: x.Organisation, Position: x.Position, StartDate: dayProto(x.Start), EndDate: dayProto(x.End), Description: x.Description,
		})
	}
	return p
}

// readEmployee reads the profile of a role; nil where there is none.
func readEmployee(r *fields.Reader, path string, p *contactv1.EmployeeProfile) *contact.EmployeeProfile {
	if p == nil {
		return nil
	}
	e := &contact.EmployeeProfile{
		User: r.Line(path+".user", p.GetUser()), Unit: r.Line(path+".unit", p.GetUnit()), JobTitle: r.Line(path+".job_title", p.GetJobTitle()),
		Manager: r.Optional(path+".manager", contacts, p.GetManager()),
	}
	for i, s := range p.GetSkills() {
		at := fields.Index(path+".skills", i) + "."
		e.Skills = append(e.Skills, contact.Skill{
			Name: r.RequiredLine(at+"skill", s.GetSkill()), Level: s.GetLevel(),
			Since: day(r, at+"since_date", s.GetSinceDate()), CertifiedUntil: day(r, at+"certified_until_date", s.GetCertifiedUntilDate()),
		})
	}
	for i, x := range p.GetExperiences() {
		at := fields.Index(path+".experiences", i) + "."
		e.Experiences = append(e.Experiences, contact.Experience{
			Organisation: r.RequiredLine(at+"organisation", x.GetOrganisation()), Position: r.Line(at+"position", x.GetPosition()),
			Start: day(r, at+"start_date", x.GetStartDate()), End: day(r, at+"end_date", x.GetEndDate()), Description: r.Words(x.GetDescription()),
		})
	}
	violations := e.Check()
	for i := range violations {
		violations[i].Field = path + "." + violations[i].Field
	}
	r.Add(violations...)
	return e
}

// ReviseRole changes what a role of a contact knows.
func (s *Store) ReviseRole(ctx context.Context, tenant uuid.UUID, req *contactv1.ReviseRoleRequest) (*contactv1.Contact, error) {
	for _, path := range req.GetUpdateMask().GetPaths() {
		switch path {
		case "kind", "start_time", "end_time":
			return nil, errs.Invalid("update_mask", "FIELD_IMMUTABLE", fmt.Sprintf("%q stays as it is: a role ends by EndRole", path))
		}
	}
	p := req.GetRole()
	return s.Contacts.Change(ctx, tenant, req.GetName(), req.GetEtag(), func(c *contact.Contact) ([]entity.Event, error) {
		return c.ReviseRole(contact.RoleKind(p.GetKind()), Instant(p.GetStartTime()), func(was contact.Role) (contact.Role, []string, error) {
			return revised(was, p, req.GetUpdateMask())
		})
	})
}

func revised(was contact.Role, p *contactv1.Role, mask *fieldmaskpb.FieldMask) (contact.Role, []string, error) {
	from := &contactv1.Role{Kind: contactv1.RoleKind(was.Kind), Details: p.GetDetails(), Employee: p.GetEmployee()}
	before := &contactv1.Role{Kind: from.GetKind(), Details: fields.Struct(was.Details), Employee: employeeProto(was.Employee)}
	masked, differ, err := record.Masked(before, from, mask)
	if err != nil {
		return was, nil, err
	}
	role, err := Role("role", proto.CloneOf(masked))
	return role, differ, err
}

// noEnd stands in the directory for a certificate without an end, and farFuture for a
// role without one.
const noEnd = 99991231

var farFuture = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

var (
	dropEmployees = postgres.NewStatement("employee", `
		DELETE FROM employee AS e
		USING unnest($2::uuid[]) AS g (contact)
		WHERE e.tenant = $1 AND e.contact = g.contact`)
	insertEmployees = postgres.NewStatement("employee", `
		INSERT INTO employee (tenant, contact, start_time, end_time, name_key, account, unit_key, job_key, manager)
		SELECT $1, f.contact, f.start_time, f.end_time, f.name_key, f.account, f.unit_key, f.job_key, f.manager
		FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[], $9::uuid[])
			AS f (contact, start_time, end_time, name_key, account, unit_key, job_key, manager)`)
	dropSkills = postgres.NewStatement("employee_skill", `
		DELETE FROM employee_skill AS s
		USING unnest($2::uuid[]) AS g (contact)
		WHERE s.tenant = $1 AND s.contact = g.contact`)
	insertSkills = postgres.NewStatement("employee_skill", `
		INSERT INTO employee_skill (tenant, skill_key, contact, start_time, level, certified_until)
		SELECT $1, f.skill_key, f.contact, f.start_time, f.level, f.certified_until
		FROM unnest($2::text[], $3::uuid[], $4::timestamptz[], $5::integer[], $6::integer[])
			AS f (skill_key, contact, start_time, level, certified_until)`)
)

// writeEmployees keeps the directory in step with a contact. A deleted contact is not
// in it.
func writeEmployees(w *postgres.Writes, before, after *contact.Contact) {
	had, has := employments(before), employments(after)
	if len(had) == 0 && len(has) == 0 {
		return
	}
	if len(had) > 0 {
		w.Add(dropEmployees, after.ID)
		w.Add(dropSkills, after.ID)
	}
	for _, r := range has {
		end, e := farFuture, r.Employee
		if r.End != nil {
			end = *r.End
		}
		if e == nil {
			e = &contact.EmployeeProfile{}
		}
		manager := uuid.Nil
		if e.Manager != nil {
			manager = *e.Manager
		}
		w.Add(insertEmployees, after.ID, r.Start, end, after.NameKey, e.User, text.SearchKey(e.Unit), text.SearchKey(e.JobTitle), manager)
		for _, s := range e.Skills {
			w.Add(insertSkills, s.Key(), after.ID, r.Start, s.Level, dayNumber(s.CertifiedUntil))
		}
	}
}

// employments are the periods in which a living contact is or was an employee.
func employments(c *contact.Contact) (list []contact.Role) {
	if c == nil || c.Deleted() || !c.Held(contact.Employee) {
		return nil
	}
	for _, r := range c.Roles {
		if r.Kind == contact.Employee {
			list = append(list, r)
		}
	}
	return list
}

// dayNumber answers 20261122 for "2026-11-22", which is compared without regard to
// zones and collations; noEnd where there is no day.
func dayNumber(day string) int32 {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return noEnd
	}
	return int32(t.Year()*10000 + int(t.Month())*100 + t.Day())
}

// findEmployees finds who is an employee at an instant ($2, its day $3): by skills and
// levels ($4, $5), unit, job, manager and accounts ($6 to $9), each where it is given,
// after a name and a contact ($10, $11).
const findEmployees = `
SELECT e.contact, e.start_time, e.name_key
FROM employee AS e
WHERE e.tenant = $1 AND e.start_time <= $2 AND e.end_time > $2
	AND ($6 = '' OR e.unit_key = $6)
	AND ($7 = '' OR e.job_key = $7)
	AND ($8::uuid IS NULL OR e.manager = $8)
	AND ($9::text[] IS NULL OR e.account = ANY ($9))
	AND (cardinality($4::text[]) = 0 OR e.contact IN (
		SELECT s.contact FROM employee_skill AS s
		WHERE s.tenant = $1 AND s.skill_key = ($4::text[])[1]
	))
	AND NOT EXISTS (
		SELECT FROM unnest($4::text[], $5::integer[]) AS wanted (skill_key, level)
		WHERE NOT EXISTS (
			SELECT FROM employee_skill AS s
			WHERE s.tenant = $1 AND s.skill_key = wanted.skill_key AND s.contact = e.contact AND s.start_time = e.start_time
				AND s.level >= wanted.level AND s.certified_until >= $3
		)
	)
	AND (e.name_key, e.contact) > ($10, $11)
ORDER BY e.name_key, e.contact
LIMIT $12`

const (
	defaultEmployees = 50
	maxEmployees     = 1000
)

// employed is a line of the directory.
type employed struct {
	Contact uuid.UUID
	Start   time.Time
	NameKey string
}

// FindEmployees answers a page of the employees who fit, in the order of their names.
func (s *Store) FindEmployees(ctx context.Context, tenant uuid.UUID, req *contactv1.FindEmployeesRequest) (*contactv1.FindEmployeesResponse, error) {
	r := &fields.Reader{}
	manager := r.Optional("manager", contacts, req.GetManager())
	if err := r.Err(); err != nil {
		return nil, err
	}
	binding, err := searchBinding(ctx, tenant, req)
	if err != nil {
		return nil, err
	}
	after, last := "", uuid.Nil
	if token := req.GetPageToken(); token != "" {
		cursor, err := s.db.PageCursor(token, binding)
		if err != nil {
			return nil, err
		}
		after, last = cursor[0].(string), uuid.MustParse(cursor[1].(string))
	}
	skills, levels := []string{}, []int32{}
	for _, wanted := range req.GetSkills() {
		skills, levels = append(skills, text.SearchKey(wanted.GetSkill())), append(levels, wanted.GetMinLevel())
	}
	limit, now := foundLimit(req.GetPageSize(), defaultEmployees, maxEmployees), s.Now()
	var found []employed
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(findEmployees, tenant, now, dayNumber(now.Format(time.DateOnly)), skills, levels, text.SearchKey(req.GetUnit()),
		text.SearchKey(req.GetJobTitle()), manager, req.GetUsers(), after, last, limit+1).
		Query(func(rows pgx.Rows) (err error) {
			found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[employed])
			return err
		})
	if err := postgres.Run(ctx, s.db, b); err != nil {
		return nil, err
	}
	resp := &contactv1.FindEmployeesResponse{}
	if len(found) > limit {
		found = found[:limit]
		end := found[limit-1]
		if resp.NextPageToken, err = s.db.PageToken([]any{end.NameKey, end.Contact.String()}, binding); err != nil {
			return nil, err
		}
	}
	resp.Employees, err = s.employees(ctx, tenant, found)
	return resp, err
}

// searchBinding is what a page token is bound to: the caller and the request without
// its page.
func searchBinding(ctx context.Context, tenant uuid.UUID, req *contactv1.FindEmployeesRequest) ([]byte, error) {
	asked := proto.CloneOf(req)
	asked.PageSize, asked.PageToken = 0, ""
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(asked)
	return fmt.Appendf(nil, "employees|%s|%s|%x", tenant, auth.From(ctx).Subject, text), err
}

// employees answers those of the directory that the caller may see. One that was
// deleted since it was found is left out.
func (s *Store) employees(ctx context.Context, tenant uuid.UUID, found []employed) ([]*contactv1.Employee, error) {
	if len(found) == 0 {
		return nil, nil
	}
	ids := make([]uuid.UUID, len(found))
	for i, f := range found {
		ids[i] = f.Contact
	}
	rows, err := s.Contacts.Table.GetAll(ctx, s.db, tenant, ids)
	if err != nil {
		return nil, err
	}
	var list []*contactv1.Employee
	for i, c := range rows {
		if !s.Contacts.Visible(ctx, c) {
			continue
		}
		for _, r := range employments(c) {
			if r.Start.Equal(found[i].Start) {
				list = append(list, &contactv1.Employee{
					Contact: named(contacts, c.ID), CustomerId: c.CustomerID, DisplayName: c.DisplayName, Profile: employeeProto(r.Employee),
				})
			}
		}
	}
	return list, nil
}

// foundLimit is the size of a page that was asked for; 0 stands for usual.
func foundLimit(wanted int32, usual, most int) int {
	if wanted == 0 {
		return usual
	}
	return min(int(wanted), most)
}
