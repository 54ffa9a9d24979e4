package customfield

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/text"
)

// errInUse refuses a change that the values which are there stand against.
var errInUse = errs.Refused("CUSTOM_FIELD_IN_USE", "values of the field were written: its type can only be widened, and it cannot become unique")

// Check answers what is wrong with the field as it is on file, by the names of the
// contract's fields.
func (f *Field) Check() []errs.Violation {
	var violations []errs.Violation
	fail := func(field, description string) {
		violations = append(violations, errs.Violation{Field: field, Description: description})
	}
	f.checkOptions(fail)
	switch {
	case f.Unique && !f.Indexed:
		fail("unique", "needs indexed")
	case f.Unique && !f.Type.distinct():
		fail("unique", "is not for fields of this type")
	}
	if f.Indexed && f.Type == LongText {
		fail("indexed", "is not for fields of this type")
	}
	if f.Searchable && !f.Type.textual() {
		fail("searchable", "is for fields that hold text")
	}
	if f.MaxLength > 0 && f.Type != Text && f.Type != LongText {
		fail("max_length", "is for fields of type TEXT and LONG_TEXT")
	}
	if f.Type == Text && f.MaxLength > maxText {
		fail("max_length", fmt.Sprintf("is at most %d for this type", maxText))
	}
	if f.Pattern != "" && f.Type != Text {
		fail("pattern", "is for fields of type TEXT")
	}
	if f.Type.bounded() {
		f.checkBounds(fail)
	} else if f.Minimum != "" || f.Maximum != "" {
		fail("minimum", "is for numbers, amounts, dates and times")
	}
	if len(violations) == 0 {
		f.checkCompiled(fail)
	}
	return violations
}

func (f *Field) checkOptions(fail func(field, description string)) {
	if !f.Type.chosen() {
		if len(f.Options) > 0 {
			fail("options", "are for fields of type CHOICE and MULTI_CHOICE")
		}
		return
	}
	if !slices.ContainsFunc(f.Options, func(o Option) bool { return !o.Archived }) {
		fail("options", "must offer at least one")
	}
	seen := map[string]bool{}
	for i, o := range f.Options {
		if seen[o.Value] {
			fail(fmt.Sprintf("options[%d].value", i), "stands twice")
		}
		seen[o.Value] = true
	}
}

// checkBounds checks that the least value is not above the greatest one.
func (f *Field) checkBounds(fail func(field, description string)) {
	plain := &compiled{Field: &Field{Type: f.Type}}
	least, err := plain.bound(f.Minimum)
	if err != nil {
		fail("minimum", reasonOf(err).description)
	}
	greatest, wrong := plain.bound(f.Maximum)
	if wrong != nil {
		fail("maximum", reasonOf(wrong).description)
	}
	if err == nil && wrong == nil && least != nil && greatest != nil && compare(least, greatest) > 0 {
		fail("maximum", "is less than the minimum")
	}
}

// checkCompiled checks what only shows when the field is made ready: its pattern, and its
// default, which must be a value of it.
func (f *Field) checkCompiled(fail func(field, description string)) {
	bare := *f
	bare.Default = ""
	if _, err := compile(&bare); err != nil {
		fail("pattern", reasonOf(err).description)
		return
	}
	if _, err := compile(f); err != nil {
		fail("default_value", reasonOf(err).description)
	}
}

// revise refuses a change that the values which are there stand against, and archives options that are left out, so that no
// record holds what nothing is known of.
func (f *Field) revise(before *Field) error {
	if before.InUse && (!before.Type.widens(f.Type) || f.Unique && !before.Unique) {
		return errInUse
	}
	for _, o := range before.Options {
		left := !slices.ContainsFunc(f.Options, func(n Option) bool { return n.Value == o.Value })
		if left && before.InUse && f.Type.chosen() {
			o.Archived = true
			f.Options = append(f.Options, o)
		}
	}
	f.State = before.State
	if f.Searchable && !before.Searchable {
		f.State = NoIndex // what is there is to be found too
	}
	return nil
}

// index sets the state of the index after indexed or searchable was set or taken away.
func (f *Field) index() {
	switch {
	case !f.Indexed && !f.Searchable:
		f.State = NoIndex
	case f.State == NoIndex:
		f.State = Building
	}
}

// reasonOf answers what is wrong with a value, whoever said so.
func reasonOf(err error) *wrong {
	var w *wrong
	if errors.As(err, &w) {
		return w
	}
	var unreadable *text.Error
	if errors.As(err, &unreadable) {
		return &wrong{unreadable.Reason, unreadable.Description}
	}
	return &wrong{errs.FieldInvalid, err.Error()}
}
