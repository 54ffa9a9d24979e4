package server

import (
	"cmp"
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/text"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store/projection"
)

// customFields answers what the custom fields of the profile are. It tells no values: what
// a rule about fields keeps from the caller is taken from the profile alone.
func (v *viewing) customFields(ctx context.Context) *analyticsv1.CustomFieldSection {
	part, language := v.rows.Work[projection.CustomFields], v.req.GetLanguageCode()
	if part == nil {
		return &analyticsv1.CustomFieldSection{Status: v.status(ctx, analyticsv1.Section_SECTION_CUSTOM_FIELDS, nil)}
	}
	if canonical, err := text.Language(language); err == nil {
		language = canonical
	}
	answer, err := &analyticsv1.CustomFieldSection{}, part.Err
	for _, state := range part.Value {
		f := &contactv1.CustomField{}
		if err = proto.Unmarshal(state.Body, f); err != nil {
			break
		}
		if len(f.GetKinds()) == 0 || slices.Contains(f.GetKinds(), v.view.GetCustomer().GetKind()) {
			answer.Items = append(answer.Items, labelOf(f, language))
		}
	}
	slices.SortFunc(answer.Items, func(a, b *analyticsv1.CustomFieldLabel) int { return cmp.Compare(a.GetKey(), b.GetKey()) })
	answer.Status = v.status(ctx, analyticsv1.Section_SECTION_CUSTOM_FIELDS, err)
	return answer
}

func labelOf(f *contactv1.CustomField, language string) *analyticsv1.CustomFieldLabel {
	label := &analyticsv1.CustomFieldLabel{
		Key: f.GetKey(), CustomField: f.GetName(), Type: f.GetType(),
		DisplayName: text.InLanguage(f.GetDisplayNames(), language),
	}
	for _, o := range f.GetOptions() {
		name := text.InLanguage(o.GetDisplayNames(), language)
		if name == "" || name == o.GetValue() {
			continue
		}
		if label.OptionNames == nil {
			label.OptionNames = map[string]string{}
		}
		label.OptionNames[o.GetValue()] = name
	}
	return label
}
