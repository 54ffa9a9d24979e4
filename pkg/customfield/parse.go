package customfield

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/pkg/text"
)

// The words of cells for yes and no, in English, Indonesian and what spreadsheets write.
var (
	yes = []string{"true", "yes", "y", "1", "ya", "benar", "x"}
	no  = []string{"false", "no", "n", "0", "tidak", "salah"}
)

// dayForms and timeForms are how cells write days and moments.
var (
	dayForms  = []string{time.DateOnly, "02.01.2006", "2 Jan 2006", "2 January 2006"}
	timeForms = []string{time.RFC3339Nano, time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04:05", time.DateOnly}
)

// parse reads a value from a text as people write it into a cell, and checks it; nil
// where the text is empty.
func (c *compiled) parse(s string) (any, error) {
	if s = strings.TrimSpace(s); s == "" {
		return nil, nil
	}
	v, err := c.cell(s)
	if err != nil {
		return nil, err
	}
	return c.value(v)
}

func (c *compiled) cell(s string) (any, error) {
	switch c.Type {
	case Integer:
		n, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return nil, refuse("must be a whole number")
		}
		return n, nil
	case Money:
		return cellAmount(s)
	case Bool:
		switch key := text.Key(s); {
		case slices.Contains(yes, key):
			return true, nil
		case slices.Contains(no, key):
			return false, nil
		}
		return nil, refuse("must be yes or no")
	case Date:
		return cellTime(s, dayForms, time.DateOnly, `must be a date such as "2026-01-31"`)
	case Timestamp:
		return cellTime(s, timeForms, stamp, `must be a time such as "2026-01-31 09:00"`)
	case Choice:
		return c.option(s), nil
	case MultiChoice:
		var list []any
		for _, one := range strings.FieldsFunc(s, func(r rune) bool { return r == ';' || r == '|' || r == '\n' }) {
			if one = strings.TrimSpace(one); one != "" {
				list = append(list, c.option(one))
			}
		}
		return list, nil
	}
	return s, nil
}

// option answers the option that a text names, by its value or in any language; the text
// itself where it names none.
func (c *compiled) option(s string) string {
	key := text.Key(s)
	for _, o := range c.Options {
		if o.Value == s {
			return s
		}
	}
	for _, o := range c.Options {
		if text.Key(o.Value) == key {
			return o.Value
		}
		for _, name := range o.DisplayNames {
			if text.Key(name) == key {
				return o.Value
			}
		}
	}
	return s
}

// cellAmount reads "IDR 150000" and "150000 IDR".
func cellAmount(s string) (any, error) {
	parts := strings.Fields(s)
	if len(parts) != 2 {
		return nil, refuse(`must be an amount such as "IDR 150000"`)
	}
	currency, number := parts[0], parts[1]
	if len(number) == 3 && strings.Trim(number, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		currency, number = number, currency
	}
	d, err := money.ParseDecimal(number)
	if err != nil {
		return nil, refuse(`must be an amount such as "IDR 150000"`)
	}
	return amountOf(money.Of(currency, d))
}

func cellTime(s string, forms []string, kept, problem string) (any, error) {
	for _, form := range forms {
		if at, err := time.Parse(form, s); err == nil {
			return at.UTC().Format(kept), nil
		}
	}
	return nil, refuse(problem)
}

// ordinal answers a value in form as one that compare takes.
func ordinal(t Type, v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case float64:
		d, _ := money.ParseDecimal(strconv.FormatFloat(v, 'f', -1, 64)) // whole, and small enough
		return d
	case string:
		if t == Decimal {
			d, _ := money.ParseDecimal(v) // was read before
			return d
		}
		if t == Timestamp {
			at, _ := time.Parse(stamp, v) // was read before
			return at.Format("2006-01-02T15:04:05.000000")
		}
		return v
	}
	return v
}

// compare orders two values that ordinal answered for one type.
func compare(a, b any) int {
	if d, ok := a.(money.Decimal); ok {
		return d.Cmp(b.(money.Decimal))
	}
	return cmp.Compare(a.(string), b.(string))
}
