package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/quality"
)

// refreshInterval is how long a rating is kept at most: so long lists may be behind the
// rules that use a field.
const refreshInterval = 24 * time.Hour

// rated is a contact's rating as lists read it.
type rated struct {
	ID           uuid.UUID `db:"id"`
	Kind         int16     `db:"kind"`
	Score        int32     `db:"score"`
	Completeness int32     `db:"completeness"`
	Freshness    int32     `db:"freshness"`
	Relevance    int32     `db:"relevance"`
	Missing      int64     `db:"missing"`
	ComputeTime  time.Time `db:"compute_time"`
}

// QualityTable is how good the data of contacts is, as lists read it.
var QualityTable = postgres.NewTable[rated](postgres.Def{
	Name: "contact_quality", Kind: "data quality",
	Fields: []postgres.Field{
		{Path: "kind", Type: postgres.Enum, Values: contactv1.ContactKind_value},
		{Path: "score", Type: postgres.Int},
	},
	Orders:       [][]string{{"score"}, {"kind", "score"}},
	DefaultOrder: "score",
})

// message words a rating.
func (r *rated) message() *contactv1.DataQuality {
	name := named(contacts, r.ID)
	return &contactv1.DataQuality{
		Name: name + "/dataQuality", Contact: name, Kind: contactv1.ContactKind(r.Kind), Score: r.Score,
		Completeness: r.Completeness, Freshness: r.Freshness, Relevance: r.Relevance,
		MissingFields: quality.Set(r.Missing).Names(), ComputeTime: timestamppb.New(r.ComputeTime),
	}
}

func ratedOf(id uuid.UUID, kind contact.Kind, r quality.Rating, now time.Time) *rated {
	return &rated{
		ID: id, Kind: int16(kind), Score: int32(r.Score), Completeness: int32(r.Completeness), Freshness: int32(r.Freshness),
		Relevance: int32(r.Relevance), Missing: int64(r.Missing), ComputeTime: now,
	}
}

// DataQuality answers how good the data of a contact is now, and what to do next.
func (s *Store) DataQuality(ctx context.Context, tenant uuid.UUID, name string) (*contactv1.DataQuality, error) {
	c, err := s.Contacts.Get(ctx, tenant, strings.TrimSuffix(name, "/dataQuality"))
	if err != nil {
		return nil, err
	}
	policy, err := s.QualityPolicy(ctx, tenant)
	if err != nil {
		return nil, err
	}
	used, err := s.used(ctx, tenant, policy)
	if err != nil {
		return nil, err
	}
	named, verified := quality.Set(0), map[uuid.UUID]map[string]time.Time{}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	queueUsed(b, tenant, &named)
	queueVerifications(b, tenant, []uuid.UUID{c.ID}, verified)
	if err := postgres.Run(ctx, s.db, b); err != nil {
		return nil, err
	}
	now := s.Now()
	facts := quality.Facts{Kind: c.Kind, Present: quality.Present(c), Used: used | named, Verified: verified[c.ID]}
	answer := ratedOf(c.ID, c.Kind, policy.Rate(facts, now), now).message()
	for _, fix := range policy.Fixes(facts, now) {
		answer.Fixes = append(answer.Fixes, &contactv1.QualityFix{Field: fix.Field, Flaw: contactv1.QualityFlaw(fix.Flaw), Gain: int32(fix.Gain)})
	}
	return answer, nil
}

// used answers the fields that rules in force read and that the policy says are used.
func (s *Store) used(ctx context.Context, tenant uuid.UUID, policy *quality.Policy) (quality.Set, error) {
	names := slices.Clone(policy.UsedFields)
	if s.UsedByRules != nil {
		read, err := s.UsedByRules(ctx, tenant)
		if err != nil {
			return 0, err
		}
		names = append(names, read...)
	}
	return quality.SetOf(names...), nil
}

// verified answers when which fields of contacts were verified.
func (s *Store) verified(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]map[string]time.Time, error) {
	all := map[uuid.UUID]map[string]time.Time{}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	queueVerifications(b, tenant, ids, all)
	return all, postgres.Run(ctx, s.db, b)
}

// queueVerifications queues reading when which fields of contacts were verified.
func queueVerifications(b *pgx.Batch, tenant uuid.UUID, ids []uuid.UUID, into map[uuid.UUID]map[string]time.Time) {
	b.Queue("SELECT contact, field, verify_time FROM field_verification WHERE tenant = $1 AND contact = ANY ($2)", tenant, ids).
		Query(func(rows pgx.Rows) error { return scanVerified(rows, into) })
}

func scanVerified(rows pgx.Rows, into map[uuid.UUID]map[string]time.Time) error {
	var id uuid.UUID
	var field string
	var at time.Time
	_, err := pgx.ForEachRow(rows, []any{&id, &field, &at}, func() error {
		if into[id] == nil {
			into[id] = map[string]time.Time{}
		}
		into[id][field] = at
		return nil
	})
	return err
}

// verifications answers what was verified of a contact and of all that are one with it.
func (s *Store) verifications(ctx context.Context, tenant uuid.UUID, name string) ([]*contactv1.FieldVerification, error) {
	id, err := s.Contacts.ParseName(name)
	if err != nil {
		return nil, err
	}
	var all []*contactv1.FieldVerification
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		SELECT contact, field, method, verify_time, actor
		FROM field_verification
		WHERE tenant = $1 AND contact = ANY (contact_family($1, $2))
		ORDER BY verify_time, contact, field`, tenant, id).Query(func(rows pgx.Rows) error {
		var of uuid.UUID
		var v quality.Verified
		_, err := pgx.ForEachRow(rows, []any{&of, &v.Field, &v.Method, &v.At, &v.Actor}, func() error {
			all = append(all, verificationProto(named(contacts, of), v))
			return nil
		})
		return err
	})
	return all, postgres.Run(ctx, s.db, b)
}

// VerifyField notes that a field of a contact is right.
func (s *Store) VerifyField(ctx context.Context, tenant uuid.UUID, name string, v quality.Verified) (*contactv1.FieldVerification, error) {
	return record.Write(ctx, s.db, s.log, tenant, func(u *record.Unit) (*contactv1.FieldVerification, error) {
		_, err := s.Contacts.ChangeIn(u, name, func(c *contact.Contact) ([]entity.Event, error) { return quality.Verify(c, v, s.Now()) })
		return verificationProto(name, v), err
	})
}

func verificationProto(name string, v quality.Verified) *contactv1.FieldVerification {
	return &contactv1.FieldVerification{
		Contact: name, Field: v.Field, Method: contactv1.VerificationMethod(v.Method), VerifyTime: timestamppb.New(v.At), Actor: v.Actor,
	}
}

// ListDataQuality lists ratings, the worst first.
func (s *Store) ListDataQuality(ctx context.Context, tenant uuid.UUID, subject string, req *contactv1.ListDataQualityRequest) (*contactv1.ListDataQualityResponse, error) {
	rows, next, err := QualityTable.List(ctx, s.db, tenant, postgres.Query{
		PageSize: req.GetPageSize(), PageToken: req.GetPageToken(), Filter: req.GetFilter(), Subject: subject,
	})
	if err != nil {
		return nil, err
	}
	if rows, err = s.within(ctx, tenant, rows); err != nil {
		return nil, err
	}
	resp := &contactv1.ListDataQualityResponse{NextPageToken: next}
	for _, r := range rows {
		resp.DataQuality = append(resp.DataQuality, r.message())
	}
	return resp, nil
}

// within leaves out the ratings of contacts that the scope of the call does not reach. A
// page may so be shorter than was asked for.
func (s *Store) within(ctx context.Context, tenant uuid.UUID, rows []*rated) ([]*rated, error) {
	if auth.ScopeFrom(ctx) == auth.All || len(rows) == 0 {
		return rows, nil
	}
	ids := make([]uuid.UUID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	of, err := s.Contacts.Table.GetAll(ctx, s.db, tenant, ids)
	if err != nil {
		return nil, err
	}
	var seen []*rated
	for i, c := range of {
		if s.Contacts.Visible(ctx, c) {
			seen = append(seen, rows[i])
		}
	}
	return seen, nil
}

// DataQualitySummary answers how good the data of all contacts in reach is, by kind. It reads all
// ratings of the tenant once.
func (s *Store) DataQualitySummary(ctx context.Context, tenant uuid.UUID) (*contactv1.DataQualitySummary, error) {
	resp := &contactv1.DataQualitySummary{}
	lacks := make([]string, len(quality.Fields))
	for i := range lacks {
		lacks[i] = fmt.Sprintf("count(*) FILTER (WHERE missing & %d <> 0)", 1<<i)
	}
	all, owner, teams := record.Reach(ctx)
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		SELECT kind, count(*), round(avg(score))::integer, round(avg(completeness))::integer, round(avg(freshness))::integer,
			round(avg(relevance))::integer, ARRAY[`+strings.Join(lacks, ", ")+`]
		FROM contact_quality AS q
		WHERE tenant = $1 AND ($2 OR EXISTS (SELECT FROM contact AS c WHERE c.tenant = $1 AND c.id = q.id AND (c.owner = $3 OR c.team = ANY ($4::text[]))))
		GROUP BY kind ORDER BY kind`, tenant, all, owner, teams).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			k, err := scanKind(rows)
			if err != nil {
				return err
			}
			resp.Kinds = append(resp.Kinds, k)
		}
		return rows.Err()
	})
	return resp, postgres.Run(ctx, s.db, b)
}

func scanKind(row pgx.Row) (*contactv1.KindQuality, error) {
	k := &contactv1.KindQuality{}
	var kind int16
	var lack []int64
	if err := row.Scan(&kind, &k.Contacts, &k.Score, &k.Completeness, &k.Freshness, &k.Relevance, &lack); err != nil {
		return nil, err
	}
	k.Kind = contactv1.ContactKind(kind)
	for i, n := range lack {
		if n > 0 {
			k.MissingFields = append(k.MissingFields, &contactv1.MissingField{Field: quality.Fields[i], Contacts: n})
		}
	}
	slices.SortStableFunc(k.MissingFields, func(a, b *contactv1.MissingField) int { return cmp.Compare(b.GetContacts(), a.GetContacts()) })
	return k, nil
}
