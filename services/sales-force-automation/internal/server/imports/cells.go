package imports

import (
	"regexp"
	"strings"
	"time"

	moneypb "google.golang.org/genproto/googleapis/type/money"

	"github.com/lingkar-crm/lingkar/pkg/bulk"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/pkg/text"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// defaultCurrency is that of amounts where neither the row nor the import names
// one.
const defaultCurrency = "IDR"

// currencyOf answers the currency of a row's amounts.
func currencyOf(row bulk.Row, job *bulk.Job) string {
	if c := strings.ToUpper(row.First(fieldCurrency)); c != "" {
		return c
	}
	if c := job.Import.GetCurrencyCode(); c != "" {
		return c
	}
	return defaultCurrency
}

// amountOf reads the amount in a field; nil where the cell is empty.
func amountOf(row bulk.Row, field, currency string) (*moneypb.Money, error) {
	cell := row.First(field)
	if cell == "" {
		return nil, nil
	}
	d, err := money.ParseDecimal(plain(cell))
	if err != nil {
		return nil, errs.Invalid(field, "AMOUNT_INVALID", "is no amount of money")
	}
	return money.Of(currency, d).Proto(), nil
}

// number is a number with the mark of a currency before or after it.
var number = regexp.MustCompile(`^(?:\p{L}{1,3}\.?|\p{Sc})?\s*([-+]?\d[\d.,'\s]*)(?:\p{L}{3}|\p{Sc})?$`)

// plain spells a number as people write it ("Rp 1.250.000", "24,000.00",
// "1.250,50") with a point and nothing else. Of two kinds of separators the later
// one is the decimal point; one kind alone is it unless it stands more than once,
// or is a comma before exactly three digits. What is no number stays as it is.
func plain(cell string) string {
	cell = strings.TrimSpace(strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(cell))
	found := number.FindStringSubmatch(cell)
	if found == nil {
		return cell
	}
	s := strings.NewReplacer(" ", "", "'", "").Replace(found[1])
	comma, point := strings.LastIndexByte(s, ','), strings.LastIndexByte(s, '.')
	thousands := ","
	switch {
	case comma >= 0 && point >= 0 && comma > point,
		point < 0 && strings.Count(s, ",") == 1 && len(s)-comma != 4,
		comma < 0 && strings.Count(s, ".") > 1:
		thousands = "."
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, thousands, ""), ",", ".")
}

// timeForms are how exports write an instant or a day, in UTC where no zone
// stands there.
var timeForms = []string{
	time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly, "2006-01-02T15:04:05",
	"1/2/2006 15:04", "1/2/2006", "02.01.2006 15:04", "02.01.2006", "2 Jan 2006", "2006/01/02",
}

// timeOf reads the time in a field; zero where the cell is empty.
func timeOf(row bulk.Row, field string) (time.Time, error) {
	cell := strings.TrimSpace(row.First(field))
	if cell == "" {
		return time.Time{}, nil
	}
	for _, form := range timeForms {
		if t, err := time.Parse(form, cell); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errs.Invalid(field, "TIME_INVALID", "is no date that can be read, such as 2026-01-31")
}

// ownerOf reads the address in "Flo Example (flo@example.com)"; a name or an id
// alone is no user and is kept as a label.
func ownerOf(cell string) (owner string, isUser bool) {
	if strings.HasPrefix(cell, "users/") {
		return cell, true
	}
	address := cell
	if open, end := strings.LastIndexByte(cell, '('), strings.LastIndexByte(cell, ')'); open >= 0 && end > open {
		address = cell[open+1 : end]
	}
	if parsed, err := text.ParseEmail(address); err == nil {
		return "users/" + parsed.Address, true
	}
	return cell, false
}

// channelOf reads a channel by its name in the contract; unknown where it is none.
func channelOf(row bulk.Row) eventv1.Channel {
	name := strings.ReplaceAll(strings.ToUpper(row.First(fieldChannel)), " ", "_")
	return eventv1.Channel(eventv1.Channel_value["CHANNEL_"+name])
}

// list cuts a cell that holds several values.
func list(cell string) []string {
	var all []string
	for _, v := range strings.FieldsFunc(cell, func(r rune) bool { return r == ';' || r == ',' || r == '\n' }) {
		if v = strings.TrimSpace(v); v != "" {
			all = append(all, v)
		}
	}
	return all
}

// cut shortens a text to so many bytes at most, at the end of a letter.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && s[most]&0xc0 == 0x80 {
		most--
	}
	return s[:most]
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
