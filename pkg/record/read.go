package record

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// ParseName answers the id in a resource name, or INVALID_ARGUMENT.
func (s *Store[T, P]) ParseName(name string) (uuid.UUID, error) {
	if segment, ok := strings.CutPrefix(name, s.Collection+"/"); ok {
		if id, ok := entity.ParseID(segment); ok {
			return id, nil
		}
	}
	return uuid.Nil, s.wrongName("name")
}

// wrongName says that the field at the path of the request holds no name of the
// collection.
func (s *Store[T, P]) wrongName(path string) error {
	return errs.Invalid(path, "", "want "+s.Collection+"/ followed by a UUID of version 7 in lower case")
}

func (s *Store[T, P]) name(id uuid.UUID) string { return s.Collection + "/" + id.String() }

// now is the clock's time, as precise as the database keeps it.
func (s *Store[T, P]) now() time.Time { return s.Log.Now().UTC().Truncate(time.Microsecond) }

// primary is the contact the row is about first, or uuid.Nil.
func (s *Store[T, P]) primary(row *T) uuid.UUID {
	if s.Contacts == nil {
		return uuid.Nil
	}
	contacts := s.Contacts(row)
	if len(contacts) == 0 {
		return uuid.Nil
	}
	return contacts[0]
}

// Get answers a row that the caller may see, deleted or not.
func (s *Store[T, P]) Get(ctx context.Context, tenant uuid.UUID, name string) (*T, error) {
	id, err := s.ParseName(name)
	if err != nil {
		return nil, err
	}
	row, err := s.Table.Get(ctx, s.DB, tenant, id)
	if err != nil {
		return nil, err
	}
	if !s.Visible(ctx, row) {
		return nil, s.Table.NotFound(id)
	}
	return row, nil
}

// Read is Get, worded as the answer.
func (s *Store[T, P]) Read(ctx context.Context, tenant uuid.UUID, name string) (P, error) {
	row, err := s.Get(ctx, tenant, name)
	if err != nil {
		return *new(P), err
	}
	return s.Proto(row), nil
}

// ReadAll answers the rows of the names in their order, in one round trip. One
// that is missing is NOT_FOUND (AIP-231).
func (s *Store[T, P]) ReadAll(ctx context.Context, tenant uuid.UUID, names []string) ([]P, error) {
	ids := make([]uuid.UUID, len(names))
	for i, name := range names {
		var err error
		if ids[i], err = s.ParseName(name); err != nil {
			return nil, err
		}
	}
	rows, err := s.Table.GetAll(ctx, s.DB, tenant, ids)
	if err != nil {
		return nil, err
	}
	answers := make([]P, len(rows))
	for i, row := range rows {
		if !s.Visible(ctx, row) {
			return nil, s.Table.NotFound(ids[i])
		}
		answers[i] = s.Proto(row)
	}
	return answers, nil
}

// Among answers those of the rows that the caller may see, in the order of the
// ids. One that is missing is NOT_FOUND.
func (s *Store[T, P]) Among(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID) ([]P, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := s.Table.GetAll(ctx, s.DB, tenant, ids)
	if err != nil {
		return nil, err
	}
	answers := make([]P, 0, len(rows))
	for _, row := range rows {
		if s.Visible(ctx, row) {
			answers = append(answers, s.Proto(row))
		}
	}
	return answers, nil
}

// Search answers the living rows that the caller may see whose search column is
// most like the text, which must be normalised as the column is. A limit of 0
// means 20, and 100 is the most.
func (s *Store[T, P]) Search(ctx context.Context, tenant uuid.UUID, text string, limit int32) ([]P, error) {
	rows, err := s.Table.Search(ctx, s.DB, tenant, postgres.SearchQuery{Text: text, Limit: limit, Where: s.scope(ctx)})
	if err != nil {
		return nil, err
	}
	answers := make([]P, len(rows))
	for i, row := range rows {
		answers[i] = s.Proto(row)
	}
	return answers, nil
}

// errSavedView refuses what the gateway replaces by what the view says.
var errSavedView = errs.Invalid("saved_view", "", "saved views are known to the gateway: ask there")

// List answers a page of what the caller may see and the token of the next.
func (s *Store[T, P]) List(ctx context.Context, tenant uuid.UUID, req ListRequest, where ...postgres.Cond) ([]P, string, error) {
	if named, ok := req.(interface{ GetSavedView() string }); ok && named.GetSavedView() != "" {
		return nil, "", errSavedView
	}
	q := Query(ctx, req)
	q.Where = append(s.scope(ctx), where...)
	if err := s.nameCustom(ctx, tenant, &q); err != nil {
		return nil, "", err
	}
	rows, next, err := s.Table.List(ctx, s.DB, tenant, q)
	if err != nil {
		return nil, "", err
	}
	answers := make([]P, len(rows))
	for i, row := range rows {
		answers[i] = s.Proto(row)
	}
	return answers, next, nil
}

// Query is a list as its caller asks for it, without the record scope: for rows
// that are not aggregates and are seen with the one they belong to.
func Query(ctx context.Context, req ListRequest) postgres.Query {
	caller, _ := auth.FromOK(ctx)
	q := postgres.Query{
		PageSize: req.GetPageSize(), PageToken: req.GetPageToken(),
		Filter: req.GetFilter(), OrderBy: req.GetOrderBy(), Subject: caller.Subject,
	}
	if deletable, ok := req.(interface{ GetShowDeleted() bool }); ok {
		q.ShowDeleted = deletable.GetShowDeleted()
	}
	return q
}

// Visible tells whether the record scope of the call reaches a row. Where no scope was
// granted, it reaches nothing: work of the service itself grants itself one
// (auth.WithScope).
func (s *Store[T, P]) Visible(ctx context.Context, row *T) bool {
	caller, _ := auth.FromOK(ctx)
	m := s.Meta(row)
	switch auth.ScopeFrom(ctx) {
	case auth.Own:
		return m.Owner == caller.Subject
	case auth.Team:
		return m.Owner == caller.Subject || slices.Contains(caller.Teams, m.Team)
	case auth.Self:
		return s.Self != nil && s.Self.Sees(ctx, row)
	default:
		return auth.ScopeFrom(ctx) == auth.All
	}
}

// Reach answers the record scope of the call as values for a condition of one's own:
// either all rows, or those of the owner and of the teams.
func Reach(ctx context.Context) (all bool, owner string, teams []string) {
	caller, _ := auth.FromOK(ctx)
	switch auth.ScopeFrom(ctx) {
	case auth.All:
		return true, "", []string{}
	case auth.Team:
		return false, caller.Subject, append([]string{}, caller.Teams...)
	case auth.Own:
		return false, caller.Subject, []string{}
	default:
		return false, nobody, []string{}
	}
}

// nobody owns nothing: an owner never holds this character.
const nobody = "\x01"

// scope is Scope with what a portal caller reaches of this resource.
func (s *Store[T, P]) scope(ctx context.Context) []postgres.Cond {
	if s.Self != nil && auth.ScopeFrom(ctx) == auth.Self {
		return s.Self.Where(ctx)
	}
	return Scope(ctx)
}

// Scope is the record scope of the call as conditions of a list. It leaves nothing to a
// portal caller, of whose records it does not know what they are about.
func Scope(ctx context.Context) []postgres.Cond {
	caller, _ := auth.FromOK(ctx)
	switch auth.ScopeFrom(ctx) {
	case auth.Own:
		return []postgres.Cond{postgres.Eq("owner", caller.Subject)}
	case auth.Team:
		return []postgres.Cond{postgres.AnyOf(postgres.Eq("owner", caller.Subject), postgres.In("team", caller.Teams))}
	case auth.All:
		return nil
	default:
		return []postgres.Cond{postgres.In("owner", []string{})}
	}
}

// fieldName is the name of a resource's field in a request: "api_key" for
// "API key".
func fieldName(kind string) string { return strings.ReplaceAll(strings.ToLower(kind), " ", "_") }

// At says of an error about a name that the name stands at another path of the
// request than "name", such as "parent". Other errors it leaves alone.
func At(path string, err error) error {
	found := errs.FieldViolations(err)
	if len(found) != 1 || found[0].Field != "name" {
		return err
	}
	return errs.Invalid(path, found[0].Reason, found[0].Description)
}
