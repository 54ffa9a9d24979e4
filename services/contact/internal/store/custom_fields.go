package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/customfield"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/text"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// CustomTables are the tables of this service's resources to which fields can be added.
var CustomTables = map[string]string{contacts: "contact", relationships: "relationship"}

const (
	// customPolicyName is what a tenant's one policy on custom fields is called.
	customPolicyName = "customFieldPolicy"
	industryPacks    = "industryPacks"
)

func customFieldStore(db *postgres.DB, log *eventlog.Log) *customfield.Store[*contactv1.CustomField] {
	return customfield.NewStore(db, log, CustomTables, customfield.Wording[*contactv1.CustomField]{
		Proto: customFieldProto, Fill: fillCustomField, Event: customFieldEvent,
	})
}

func customFieldProto(f *customfield.Field) *contactv1.CustomField {
	m := &contactv1.CustomField{
		Name: named(customfield.Collection, f.ID), Resource: f.Resource, Key: f.Key,
		DisplayNames: maps.Clone(f.DisplayNames), HelpTexts: maps.Clone(f.HelpTexts),
		Type: contactv1.CustomFieldType(f.Type), Required: f.Required,
		DefaultValue: f.Default, Minimum: f.Minimum, Maximum: f.Maximum, MaxLength: f.MaxLength, Pattern: f.Pattern,
		Unique: f.Unique, Indexed: f.Indexed, Searchable: f.Searchable,
		IndexState: contactv1.CustomFieldIndexState(f.State), InUse: f.InUse,
		ExternalIds: maps.Clone(f.ExternalIDs), Labels: maps.Clone(f.Labels),
		CreateTime: timestamppb.New(f.CreateTime), UpdateTime: timestamppb.New(f.UpdateTime),
		DeleteTime: fields.Timestamp(f.DeleteTime), Etag: f.Etag(),
	}
	if f.Pack != "" {
		m.IndustryPack = industryPacks + "/" + f.Pack
	}
	for _, kind := range f.Kinds {
		m.Kinds = append(m.Kinds, contactv1.ContactKind(kind))
	}
	for _, o := range f.Options {
		m.Options = append(m.Options, &contactv1.CustomFieldOption{
			Value: o.Value, DisplayNames: maps.Clone(o.DisplayNames), Archived: o.Archived,
		})
	}
	return m
}

func fillCustomField(f *customfield.Field, m *contactv1.CustomField) error {
	r := &fields.Reader{In: "custom_field"}
	f.Resource = fields.Fixed(r, "resource", f.Resource, m.GetResource())
	f.Key = fields.Fixed(r, "key", f.Key, m.GetKey())
	f.Kinds = nil
	for _, kind := range m.GetKinds() {
		f.Kinds = append(f.Kinds, int32(kind))
	}
	if len(f.Kinds) > 0 && f.Resource != contacts {
		r.Fail("kinds", "", "are those of contacts")
	}
	if f.Searchable = m.GetSearchable(); f.Searchable && f.Resource != contacts {
		r.Fail("searchable", "", "is for fields of contacts")
	}
	f.DisplayNames, f.HelpTexts = lines(r, "display_names", m.GetDisplayNames()), maps.Clone(m.GetHelpTexts())
	f.Type, f.Required = customfield.Type(m.GetType()), m.GetRequired()
	f.Options = nil
	for i, o := range m.GetOptions() {
		at := fields.Index("options", i)
		f.Options = append(f.Options, customfield.Option{
			Value: r.RequiredLine(at+".value", o.GetValue()), DisplayNames: lines(r, at+".display_names", o.GetDisplayNames()), Archived: o.GetArchived(),
		})
	}
	f.Default, f.Minimum, f.Maximum = r.Words(m.GetDefaultValue()), r.Line("minimum", m.GetMinimum()), r.Line("maximum", m.GetMaximum())
	f.MaxLength, f.Pattern = m.GetMaxLength(), m.GetPattern()
	f.Unique, f.Indexed = m.GetUnique(), m.GetIndexed()
	f.ExternalIDs, f.Labels = maps.Clone(m.GetExternalIds()), maps.Clone(m.GetLabels())
	return r.Err()
}

// lines reads texts of one line by language.
func lines(r *fields.Reader, field string, texts map[string]string) map[string]string {
	if len(texts) == 0 {
		return nil
	}
	formed := make(map[string]string, len(texts))
	for language, name := range texts {
		formed[language] = r.RequiredLine(field+"."+language, name)
	}
	return formed
}

func customFieldEvent(f *customfield.Field, e entity.Event) eventlog.Draft {
	state := customFieldProto(f)
	var payload proto.Message
	switch e := e.(type) {
	case entity.Created:
		payload = &contactv1.CustomFieldCreated{CustomField: state}
	case entity.Updated:
		payload = &contactv1.CustomFieldUpdated{CustomField: state, Paths: e.Paths}
	case entity.Deleted:
		payload = &contactv1.CustomFieldDeleted{CustomField: state}
	case entity.Undeleted:
		payload = &contactv1.CustomFieldUndeleted{CustomField: state}
	default:
		panic(fmt.Sprintf("store: no event of a custom field is made of %s", e.EventName()))
	}
	return eventlog.Draft{Payload: payload}
}

func customPolicyStore(db *postgres.DB, log *eventlog.Log) *record.Store[customfield.Policy, *contactv1.CustomFieldPolicy] {
	return &record.Store[customfield.Policy, *contactv1.CustomFieldPolicy]{
		DB: db, Log: log, Table: customfield.PolicyTable, Kind: "custom field policy", Collection: "customFieldPolicies",
		Meta:  func(p *customfield.Policy) *entity.Meta { return &p.Meta },
		Proto: customPolicyProto,
		Fill: func(row *customfield.Policy, p *contactv1.CustomFieldPolicy) error {
			if row.UnknownKeys = customfield.UnknownKeys(p.GetUnknownKeys()); row.UnknownKeys == 0 {
				row.UnknownKeys = customfield.Open
			}
			return nil
		},
		Event: func(p *customfield.Policy, e entity.Event) eventlog.Draft {
			payload := &contactv1.CustomFieldPolicyUpdated{CustomFieldPolicy: customPolicyProto(p)}
			if updated, ok := e.(entity.Updated); ok {
				payload.Paths = updated.Paths
			}
			return eventlog.Draft{Payload: payload}
		},
	}
}

func customPolicyProto(p *customfield.Policy) *contactv1.CustomFieldPolicy {
	m := &contactv1.CustomFieldPolicy{Name: customPolicyName, UnknownKeys: contactv1.UnknownKeys(p.UnknownKeys), Etag: p.Etag()}
	if !p.CreateTime.IsZero() {
		m.CreateTime, m.UpdateTime = timestamppb.New(p.CreateTime), timestamppb.New(p.UpdateTime)
	}
	return m
}

// CustomFieldPolicy answers what the tenant has decided, or what holds where it has not.
func (s *Store) CustomFieldPolicy(ctx context.Context, tenant uuid.UUID) (*contactv1.CustomFieldPolicy, error) {
	p, err := s.CustomPolicies.Single(ctx, tenant, customfield.DefaultPolicy())
	if err != nil {
		return nil, err
	}
	return customPolicyProto(p), nil
}

// UpdateCustomFieldPolicy writes the fields that the mask names.
func (s *Store) UpdateCustomFieldPolicy(ctx context.Context, tenant uuid.UUID, p *contactv1.CustomFieldPolicy, mask *fieldmaskpb.FieldMask) (*contactv1.CustomFieldPolicy, error) {
	defer s.CustomFields.Schemas.Forget(tenant)
	return s.CustomPolicies.UpdateSingle(ctx, tenant, customfield.DefaultPolicy, p, mask)
}

// ContactRules answers what the tenant has decided on the custom fields of contacts.
func (s *Store) ContactRules(ctx context.Context, tenant uuid.UUID) (*customfield.Rules, error) {
	schema, err := s.CustomFields.Schemas.Of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return schema.Of(contacts), nil
}

// CustomFieldNamed answers the field of contacts that the heading of a column names, as
// "custom_fields.<key>"; empty where it names none.
func (s *Store) CustomFieldNamed(ctx context.Context, tenant uuid.UUID, heading string) (string, error) {
	rules, err := s.ContactRules(ctx, tenant)
	if err != nil {
		return "", err
	}
	if key, ok := rules.Named(heading); ok {
		return customfield.Path + key, nil
	}
	return "", nil
}

// maxByFields is how many contacts are looked at that have what is searched for in a
// custom field: some of them the caller may not see.
const maxByFields = 200

// SearchContacts answers the living contacts whose names are most like the query, the best
// first, then those that have its words in a searchable custom field.
func (s *Store) SearchContacts(ctx context.Context, tenant uuid.UUID, query string, size int) ([]*contactv1.Contact, error) {
	list, err := s.Contacts.Search(ctx, tenant, text.SearchKey(query), int32(size))
	if err != nil || len(list) >= size {
		return list, err
	}
	rules, err := s.ContactRules(ctx, tenant)
	if err != nil || !rules.Searchable() {
		return list, err
	}
	ids, err := s.CustomFields.Schemas.Search(ctx, tenant, contacts, query, maxByFields)
	if err != nil {
		return nil, err
	}
	more, err := s.Contacts.Among(ctx, tenant, ids)
	if err != nil {
		return nil, err
	}
	for _, c := range more {
		there := slices.ContainsFunc(list, func(l *contactv1.Contact) bool { return l.GetName() == c.GetName() })
		if !there && c.GetDeleteTime() == nil && len(list) < size {
			list = append(list, c)
		}
	}
	return list, nil
}
