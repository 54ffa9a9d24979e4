package server

import (
	"context"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/rate"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/store"
)

func rates(db *postgres.DB, log *eventlog.Log) *record.Store[rate.Rate, *platformv1.ExchangeRate] {
	meta := func(r *rate.Rate) *entity.Meta { return &r.Meta }
	return &record.Store[rate.Rate, *platformv1.ExchangeRate]{
		DB: db, Log: log, Table: store.Rates, Kind: "exchange rate", Collection: rateNames,
		Meta: meta, Proto: rateMessage, Fill: fillRate, Event: rateEvent,
		Extra: store.ExternalIDs("exchange_rate", meta),
	}
}

func rateMessage(r *rate.Rate) *platformv1.ExchangeRate {
	return &platformv1.ExchangeRate{
		Name:             rateNames + "/" + r.ID.String(),
		FromCurrencyCode: r.From,
		ToCurrencyCode:   r.To,
		Date:             &date.Date{Year: int32(r.Date.Year()), Month: int32(r.Date.Month()), Day: int32(r.Date.Day())},
		Rate:             r.Rate.String(),
		ExternalIds:      r.ExternalIDs,
		Labels:           r.Labels,
		CreateTime:       timestamppb.New(r.CreateTime),
		UpdateTime:       timestamppb.New(r.UpdateTime),
		DeleteTime:       fields.Timestamp(r.DeleteTime),
		Etag:             r.Etag(),
	}
}

func fillRate(r *rate.Rate, p *platformv1.ExchangeRate) error {
	f := fields.Reader{In: "exchange_rate"}
	fillMarks(&r.Meta, p)
	r.From = p.GetFromCurrencyCode()
	r.To = p.GetToCurrencyCode()
	day, ok := dayOf(p.GetDate())
	if !ok {
		f.Fail("date", "", "must be a day of the calendar")
	}
	r.Date = day
	exact, err := money.ParseDecimal(p.GetRate())
	if err != nil {
		f.Fail("rate", "", err.Error())
	}
	r.Rate = exact
	if err := f.Err(); err != nil {
		return err
	}
	f.Add(r.Check()...)
	return f.Err()
}

// dayOf answers a date that names a whole day, as its midnight in UTC.
func dayOf(d *date.Date) (time.Time, bool) {
	day := time.Date(int(d.GetYear()), time.Month(d.GetMonth()), int(d.GetDay()), 0, 0, 0, 0, time.UTC)
	whole := d.GetYear() >= 1 && d.GetYear() <= 9999 && int32(day.Month()) == d.GetMonth() && int32(day.Day()) == d.GetDay()
	return day, whole
}

func rateEvent(r *rate.Rate, e entity.Event) eventlog.Draft {
	now := rateMessage(r)
	switch e := e.(type) {
	case entity.Created:
		return eventlog.Draft{Payload: &platformv1.ExchangeRateCreated{ExchangeRate: now}}
	case entity.Updated:
		return eventlog.Draft{Payload: &platformv1.ExchangeRateUpdated{ExchangeRate: now, UpdateMask: maskOf(e)}}
	case entity.Deleted:
		return eventlog.Draft{Payload: &platformv1.ExchangeRateDeleted{ExchangeRate: now}}
	case entity.Undeleted:
		return eventlog.Draft{Payload: &platformv1.ExchangeRateUndeleted{ExchangeRate: now}}
	}
	panic(untold + e.EventName())
}

// CreateExchangeRate implements platformv1.ExchangeRateServiceServer.
func (s *Server) CreateExchangeRate(ctx context.Context, req *platformv1.CreateExchangeRateRequest) (*platformv1.ExchangeRate, error) {
	return s.rates.Create(ctx, auth.From(ctx).Tenant, req.GetExchangeRateId(), req.GetExchangeRate())
}

// GetExchangeRate implements platformv1.ExchangeRateServiceServer.
func (s *Server) GetExchangeRate(ctx context.Context, req *platformv1.GetExchangeRateRequest) (*platformv1.ExchangeRate, error) {
	return s.rates.Read(ctx, auth.From(ctx).Tenant, req.GetName())
}

// ListExchangeRates implements platformv1.ExchangeRateServiceServer.
func (s *Server) ListExchangeRates(ctx context.Context, req *platformv1.ListExchangeRatesRequest) (*platformv1.ListExchangeRatesResponse, error) {
	list, next, err := s.rates.List(ctx, auth.From(ctx).Tenant, req)
	return &platformv1.ListExchangeRatesResponse{ExchangeRates: list, NextPageToken: next}, err
}

// UpdateExchangeRate implements platformv1.ExchangeRateServiceServer.
func (s *Server) UpdateExchangeRate(ctx context.Context, req *platformv1.UpdateExchangeRateRequest) (*platformv1.ExchangeRate, error) {
	return s.rates.Update(ctx, auth.From(ctx).Tenant, req.GetExchangeRate(), req.GetUpdateMask())
}

// DeleteExchangeRate implements platformv1.ExchangeRateServiceServer.
func (s *Server) DeleteExchangeRate(ctx context.Context, req *platformv1.DeleteExchangeRateRequest) (*platformv1.ExchangeRate, error) {
	return s.rates.Delete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// UndeleteExchangeRate implements platformv1.ExchangeRateServiceServer.
func (s *Server) UndeleteExchangeRate(ctx context.Context, req *platformv1.UndeleteExchangeRateRequest) (*platformv1.ExchangeRate, error) {
	return s.rates.Undelete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// LookupExchangeRate implements platformv1.ExchangeRateServiceServer.
func (s *Server) LookupExchangeRate(ctx context.Context, req *platformv1.LookupExchangeRateRequest) (*platformv1.ExchangeRate, error) {
	of := auth.From(ctx).Tenant
	day, err := s.askedDay(ctx, req.GetDate())
	if err != nil {
		return nil, err
	}
	found, err := store.RateOn(ctx, s.db, of, req.GetFromCurrencyCode(), req.GetToCurrencyCode(), day)
	if err != nil {
		return nil, err
	}
	return rateMessage(found), nil
}

// askedDay answers the day of a request; today in the tenant's zone where it
// names none.
func (s *Server) askedDay(ctx context.Context, d *date.Date) (time.Time, error) {
	if d == nil {
		zone, err := store.ZoneOf(ctx, s.db, auth.From(ctx).Tenant)
		if err != nil {
			return time.Time{}, err
		}
		year, month, day := s.now().In(zone).Date()
		return time.Date(year, month, day, 0, 0, 0, 0, time.UTC), nil
	}
	day, ok := dayOf(d)
	if !ok {
		return time.Time{}, errs.Invalid("date", "", "must be a day of the calendar")
	}
	return day, nil
}
