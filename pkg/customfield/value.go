package customfield

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/pkg/text"
)

// stamp is how a moment is written; moments sort by it once the fraction is filled up.
const stamp = "2006-01-02T15:04:05.999999Z"

// maxInteger is the greatest whole number that every reader of JSON keeps.
const maxInteger = 1<<53 - 1

// wrong is what is wrong with a value.
type wrong struct{ reason, description string }

func (w *wrong) Error() string { return w.description }

func refuse(description string) error { return &wrong{errs.FieldInvalid, description} }

// compiled is a field with what its checks need, made once.
type compiled struct {
	*Field
	pattern  *regexp.Regexp
	min, max any
	initial  any
}

// compile makes the checks of a field that Field.Check found right.
func compile(f *Field) (*compiled, error) {
	c := &compiled{Field: f}
	var err error
	if f.Pattern != "" {
		if c.pattern, err = regexp.Compile(`\A(?:` + f.Pattern + `)\z`); err != nil {
			return nil, refuse("is no pattern in the syntax of RE2")
		}
	}
	if c.min, err = c.bound(f.Minimum); err != nil {
		return nil, err
	}
	if c.max, err = c.bound(f.Maximum); err != nil {
		return nil, err
	}
	if f.Default != "" {
		if c.initial, err = c.parse(f.Default); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// bound reads a least or greatest value; nil where there is none. That of an amount has
// no currency.
func (c *compiled) bound(s string) (any, error) {
	if s == "" {
		return nil, nil
	}
	plain := compiled{Field: &Field{Type: c.Type}}
	if c.Type == Money {
		plain.Type = Decimal
	}
	v, err := plain.parse(s)
	if err != nil {
		return nil, err
	}
	return ordinal(plain.Type, v), nil
}

// value brings a value into the form in which it is kept; nil where it is empty.
func (c *compiled) value(v any) (any, error) {
	if v == nil || v == "" {
		return nil, nil
	}
	kept, err := c.form(v)
	if err != nil || kept == nil {
		return nil, err
	}
	return kept, c.within(kept)
}

// form reads a value by its type.
func (c *compiled) form(v any) (any, error) {
	switch c.Type {
	case Integer:
		return integer(v)
	case Decimal:
		return decimal(v)
	case Money:
		return amount(v)
	case Bool:
		if _, ok := v.(bool); !ok {
			return nil, refuse("must be true or false")
		}
		return v, nil
	case MultiChoice:
		return c.choices(v)
	}
	s, ok := v.(string)
	if !ok {
		return nil, refuse("must be a text")
	}
	return c.formText(s)
}

// formText reads a value that is written as text.
func (c *compiled) formText(s string) (any, error) {
	switch c.Type {
	case Date:
		day, err := time.Parse(time.DateOnly, s)
		if err != nil || day.Year() < 1 {
			return nil, refuse(`must be a date such as "2026-01-31"`)
		}
		return s, nil
	case Timestamp:
		at, err := time.Parse(time.RFC3339Nano, s)
		if err != nil || at.UTC().Year() < 1 || at.UTC().Year() > 9999 {
			return nil, refuse(`must be a time such as "2026-01-31T09:00:00Z"`)
		}
		return at.UTC().Format(stamp), nil
	case Choice:
		return s, c.offered(s)
	case Email:
		e, err := text.ParseEmail(s)
		return e.Address, err
	case Phone:
		return phone(s)
	case URL:
		return page(s)
	case Contact:
		if id, ok := strings.CutPrefix(s, "contacts/"); ok {
			if _, ok := entity.ParseID(id); ok {
				return s, nil
			}
		}
		return nil, refuse("must be contacts/{uuid}")
	case LongText:
		return c.words(norm.NFC.String(strings.TrimSpace(s)), cmp.Or(c.MaxLength, maxLongText))
	default:
		line, err := text.Line(s)
		if err != nil {
			return nil, err
		}
		return c.words(line, cmp.Or(c.MaxLength, defaultText))
	}
}

// words checks a text in form.
func (c *compiled) words(s string, most int32) (any, error) {
	switch {
	case s == "":
		return nil, nil
	case utf8.RuneCountInString(s) > int(most):
		return nil, refuse(fmt.Sprintf("has more than %d characters", most))
	case c.pattern != nil && !c.pattern.MatchString(s):
		return nil, &wrong{"PATTERN_MISMATCH", "does not match the pattern " + c.Pattern}
	}
	return s, nil
}

// offered refuses what is not, or no more, among the options.
func (c *compiled) offered(s string) error {
	for _, o := range c.Options {
		if o.Value == s && !o.Archived {
			return nil
		}
	}
	return &wrong{"OPTION_UNKNOWN", "is none of the options: " + strings.Join(c.values(), ", ")}
}

// values are those of the options that are offered.
func (c *compiled) values() []string {
	var values []string
	for _, o := range c.Options {
		if !o.Archived {
			values = append(values, o.Value)
		}
	}
	return values
}

func (c *compiled) choices(v any) (any, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, refuse("must be a list of options")
	}
	for i, one := range list {
		s, ok := one.(string)
		if !ok || slices.Contains(list[:i], one) {
			return nil, refuse("must be a list of options, each once")
		}
		if err := c.offered(s); err != nil {
			return nil, err
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	return list, nil
}

func integer(v any) (any, error) {
	n, ok := v.(float64)
	if !ok || n != math.Trunc(n) || math.Abs(n) > maxInteger {
		return nil, refuse("must be a whole number")
	}
	return n, nil
}

func decimal(v any) (any, error) {
	s, ok := v.(string)
	if n, number := v.(float64); number {
		s, ok = strconv.FormatFloat(n, 'f', -1, 64), true
	}
	d, err := money.ParseDecimal(s)
	if !ok || err != nil {
		return nil, refuse("must be a number of up to 18 digits before and 9 behind the point")
	}
	return d.String(), nil
}

// amount reads google.type.Money as JSON has it.
func amount(v any) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, errAmount
	}
	var m struct {
		CurrencyCode string          `json:"currencyCode"`
		Units        json.RawMessage `json:"units"`
		Nanos        float64         `json:"nanos"`
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&m) != nil || m.Nanos != math.Trunc(m.Nanos) || math.Abs(m.Nanos) >= 1e9 {
		return nil, errAmount
	}
	units, err := strconv.ParseInt(cmp.Or(strings.Trim(string(m.Units), `"`), "0"), 10, 64)
	if err != nil {
		return nil, errAmount
	}
	return amountOf(money.Money{Currency: m.CurrencyCode, Units: units, Nanos: int32(m.Nanos)})
}

var errAmount = refuse(`must be an amount such as {"currencyCode": "IDR", "units": "150000"}`)

// maxUnits is the greatest number of units that the index can sort.
const maxUnits = 1e18

func amountOf(m money.Money) (any, error) {
	for _, v := range m.CheckPrice("") {
		return nil, refuse(v.Description)
	}
	if m.Units >= maxUnits || m.Units <= -maxUnits {
		return nil, refuse("is too large")
	}
	kept := map[string]any{"currencyCode": m.Currency, "units": strconv.FormatInt(m.Units, 10)}
	if m.Nanos != 0 {
		kept["nanos"] = float64(m.Nanos)
	}
	return kept, nil
}

func phone(s string) (any, error) {
	p, err := text.ParsePhone(s, "")
	if err == nil && p.Extension != "" {
		err = refuse("must have no extension")
	}
	return p.E164, err
}

func page(s string) (any, error) {
	line, err := text.Line(s)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(line)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || len(line) > maxText {
		return nil, refuse("must be the address of a page such as https://example.com/")
	}
	return line, nil
}

// within refuses what is below the least or above the greatest value.
func (c *compiled) within(v any) error {
	if c.min == nil && c.max == nil {
		return nil
	}
	kind := c.Type
	if m, ok := v.(map[string]any); ok {
		units, _ := strconv.ParseInt(m["units"].(string), 10, 64)
		nanos, _ := m["nanos"].(float64)
		kind, v = Decimal, money.Decimal{Units: units, Nanos: int32(nanos)}.String()
	}
	at := ordinal(kind, v)
	if c.min != nil && compare(at, c.min) < 0 {
		return &wrong{"VALUE_TOO_SMALL", "is less than " + c.Minimum}
	}
	if c.max != nil && compare(at, c.max) > 0 {
		return &wrong{"VALUE_TOO_LARGE", "is greater than " + c.Maximum}
	}
	return nil
}
