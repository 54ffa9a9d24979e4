package record

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// CustomRules are what a tenant has decided on the custom fields of a resource. The kind
// is that of the row.
type CustomRules interface {
	// New answers the custom fields of a new row as they are kept, or what is wrong with
	// them.
	New(kind int32, values map[string]any) (map[string]any, []errs.Violation)
	// Change is New of a row that is there: what stays as it was is not looked at.
	Change(kind int32, before, after map[string]any) (map[string]any, []errs.Violation)
	// Field answers what lists may do with a path such as "custom_fields.tier".
	Field(path string) (postgres.Field, bool)
}

// customPath begins what lists call a custom field.
const customPath = "custom_fields"

// CustomRules answers the tenant's rules, or nil where the resource has none.
func (s *Store[T, P]) CustomRules(ctx context.Context, tenant uuid.UUID) (CustomRules, error) {
	if s.Custom == nil {
		return nil, nil
	}
	return s.Custom(ctx, tenant)
}

// CheckNew brings the custom fields of a row that is about to be added into form, with
// defaults, or says what is wrong with them, by rules that were asked for before the
// transaction; nil for none. Create does so by itself.
func (s *Store[T, P]) CheckNew(rules CustomRules, row *T) error {
	if rules == nil {
		return nil
	}
	kept, violations := rules.New(s.customKind(row), s.Meta(row).CustomFields)
	return s.keepCustom(row, kept, violations)
}

// CompleteNew fills in the defaults of a row that follows from another one, such as the
// deal of a lead: of what nobody wrote, nothing is required.
func (s *Store[T, P]) CompleteNew(rules CustomRules, row *T) {
	if rules != nil {
		s.Meta(row).CustomFields, _ = rules.New(s.customKind(row), s.Meta(row).CustomFields)
	}
}

// CheckChanged is CheckNew of a row whose custom fields were before what they are no more.
// Update does so by itself.
func (s *Store[T, P]) CheckChanged(rules CustomRules, before map[string]any, row *T) error {
	if rules == nil {
		return nil
	}
	kept, violations := rules.Change(s.customKind(row), before, s.Meta(row).CustomFields)
	return s.keepCustom(row, kept, violations)
}

func (s *Store[T, P]) keepCustom(row *T, kept map[string]any, violations []errs.Violation) error {
	for i := range violations {
		violations[i].Field = fieldName(s.Kind) + "." + violations[i].Field
	}
	s.Meta(row).CustomFields = kept
	return errs.Check(violations)
}

func (s *Store[T, P]) customKind(row *T) int32 {
	if s.CustomKind == nil {
		return 0
	}
	return s.CustomKind(row)
}

// nameCustom lets a list that names custom fields know the tenant's.
func (s *Store[T, P]) nameCustom(ctx context.Context, tenant uuid.UUID, q *postgres.Query) error {
	if s.Custom == nil || !strings.Contains(q.Filter, customPath) && !strings.Contains(q.OrderBy, customPath) {
		return nil
	}
	rules, err := s.Custom(ctx, tenant)
	if err != nil {
		return err
	}
	q.Entry = rules.Field
	return nil
}
