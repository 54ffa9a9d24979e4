package store

import (
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/genproto/googleapis/type/decimal"
	moneypb "google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/money"
)

// reader reads a message of this area.
type reader struct{ fields.Reader }

// in answers a reader of the message that stands in this field of the request.
func in(field string) *reader { return &reader{fields.Reader{In: field}} }

// price reads a unit price that is not negative.
func (r *reader) price(field string, p *moneypb.Money) money.Money {
	m := money.FromProto(p)
	r.Add(m.CheckPrice(field)...)
	return m
}

// currency checks a currency that may be given.
func (r *reader) currency(field, code string) {
	if _, known := money.MinorUnit(code); code != "" && !known {
		r.Fail(field, money.Invalid, "the currency is not a code of ISO 4217 in which amounts are paid")
	}
}

// quantity reads a number greater than 0.
func (r *reader) quantity(field string, p *decimal.Decimal) money.Decimal {
	d, err := money.ParseDecimal(p.GetValue())
	switch {
	case err != nil:
		r.Fail(field, "QUANTITY_INVALID", err.Error())
	case d.Sign() <= 0:
		r.Fail(field, "QUANTITY_INVALID", "a quantity must be greater than 0")
	}
	return d
}

// instant reads a time that may be given; nil where it is not.
func (r *reader) instant(field string, p *timestamppb.Timestamp) *time.Time {
	if p == nil {
		return nil
	}
	t := r.Time(field, p)
	return &t
}

// day reads a whole date that may be given; nil where it is not.
func (r *reader) day(field string, p *date.Date) *time.Time {
	if p == nil {
		return nil
	}
	t := time.Date(int(p.GetYear()), time.Month(p.GetMonth()), int(p.GetDay()), 0, 0, 0, 0, time.UTC)
	if p.GetYear() < 1 || p.GetYear() > 9999 || t.Day() != int(p.GetDay()) || t.Month() != time.Month(p.GetMonth()) {
		r.Fail(field, "", "this is no day of the calendar")
		return nil
	}
	return &t
}

// shared reads the fields that every resource has.
func (r *reader) shared(m *entity.Meta, p interface {
	fields.Labelled
	GetOwner() string
	GetTeam() string
	GetSource() string
}) {
	m.Owner = r.Line("owner", p.GetOwner())
	m.Team = r.Line("team", p.GetTeam())
	m.Source = r.Line("source", p.GetSource())
	r.Labels(m, p)
}

// Instant reads a time that may be given in a field of the request; the zero time
// where it is not.
func Instant(field string, p *timestamppb.Timestamp) (time.Time, error) {
	var r reader
	t := r.Time(field, p)
	return t, r.Err()
}

// Amount reads an amount of money that may be given in a field of the request.
func Amount(field string, p *moneypb.Money) (money.Money, error) {
	var r reader
	m := r.Amount(field, p)
	return m, r.Err()
}

// Day reads a day that may be given in a field of the request.
func Day(field string, p *date.Date) (*time.Time, error) {
	var r reader
	d := r.day(field, p)
	return d, r.Err()
}
