package gateway_test

import (
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway"
)

func day(year, month, day int32) *date.Date { return &date.Date{Year: year, Month: month, Day: day} }

func TestExchangeRates_holdFromTheirDayOn(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	testkit.Both(t, suite, []string{"PLT-17"}, func(t *testing.T, c *testkit.Client) {
		from := map[string]string{testkit.GRPC: "USD", testkit.OverREST: "EUR"}[c.Transport]
		rates, other := platformv1.NewExchangeRateServiceClient(c.Conn), platformv1.NewExchangeRateServiceClient(c.Other().Conn)
		create := func(rate string, on *date.Date) (*platformv1.ExchangeRate, error) {
			return rates.CreateExchangeRate(c.Ctx(), &platformv1.CreateExchangeRateRequest{ExchangeRate: &platformv1.ExchangeRate{
				FromCurrencyCode: from, ToCurrencyCode: "IDR", Rate: rate, Date: on,
			}})
		}
		must(create("16000", day(2026, 1, 1)))(t)
		newer := must(create("16250.500000001", day(2026, 2, 1)))(t)
		_, err := create("1", day(2026, 2, 1))
		want(t, err, codes.AlreadyExists, "EXCHANGE_RATE_TAKEN")
		for _, bad := range []string{"0", "-1", "1e3", "1.0000000001", "many", ""} {
			_, err := create(bad, day(2026, 3, 1))
			if errs.Code(err) != codes.InvalidArgument {
				t.Errorf("the rate %q answers %v", bad, err)
			}
		}
		_, err = create("1", day(2026, 2, 30))
		want(t, err, codes.InvalidArgument, "FIELD_INVALID")

		lookup := func(client platformv1.ExchangeRateServiceClient, on *date.Date) (*platformv1.ExchangeRate, error) {
			return client.LookupExchangeRate(c.Ctx(), &platformv1.LookupExchangeRateRequest{FromCurrencyCode: from, ToCurrencyCode: "IDR", Date: on})
		}
		for _, test := range []struct {
			on   *date.Date
			want string
		}{{day(2026, 1, 1), "16000"}, {day(2026, 1, 31), "16000"}, {day(2026, 2, 1), "16250.500000001"}, {day(2030, 1, 1), "16250.500000001"}} {
			if got := must(lookup(rates, test.on))(t); got.GetRate() != test.want {
				t.Errorf("on %v the rate is %s, want %s", test.on, got.GetRate(), test.want)
			}
		}
		_, err = lookup(rates, day(2025, 12, 31))
		want(t, err, codes.NotFound, "EXCHANGE_RATE_NOT_FOUND")
		_, err = lookup(other, day(2026, 2, 1))
		want(t, err, codes.NotFound, "EXCHANGE_RATE_NOT_FOUND")
		_, err = other.GetExchangeRate(c.Ctx(), &platformv1.GetExchangeRateRequest{Name: newer.GetName()})
		want(t, err, codes.NotFound, "EXCHANGE_RATE_NOT_FOUND")

		_, err = rates.UpdateExchangeRate(c.Ctx(), &platformv1.UpdateExchangeRateRequest{
			ExchangeRate: &platformv1.ExchangeRate{Name: newer.GetName(), ToCurrencyCode: "JPY"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"to_currency_code"}},
		})
		want(t, err, codes.InvalidArgument, "FIELD_IMMUTABLE")
		list := must(rates.ListExchangeRates(c.Ctx(), &platformv1.ListExchangeRatesRequest{
			Filter: `from_currency_code = "` + from + `" AND to_currency_code = "IDR" AND date >= "2026-02-01"`, OrderBy: "date desc",
		}))(t)
		if len(list.GetExchangeRates()) != 1 || list.GetExchangeRates()[0].GetName() != newer.GetName() {
			t.Errorf("listed %v", list)
		}
		must(rates.DeleteExchangeRate(c.Ctx(), &platformv1.DeleteExchangeRateRequest{Name: newer.GetName()}))(t)
		if got := must(lookup(rates, day(2026, 2, 1)))(t); got.GetRate() != "16000" {
			t.Errorf("a deleted rate still holds: %v", got)
		}
		must(rates.UndeleteExchangeRate(c.Ctx(), &platformv1.UndeleteExchangeRateRequest{Name: newer.GetName()}))(t)
	})
}

// Without a day the tenant's own today counts.
func TestExchangeRates_todayIsTheTenants(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	suite.Clock.Set(time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC)) // 2 March in Jakarta
	testkit.Both(t, suite, []string{"PLT-17"}, func(t *testing.T, c *testkit.Client) {
		from := map[string]string{testkit.GRPC: "USD", testkit.OverREST: "EUR"}[c.Transport]
		rates := platformv1.NewExchangeRateServiceClient(c.Conn)
		for rate, on := range map[string]*date.Date{"1": day(2026, 3, 1), "2": day(2026, 3, 2), "3": day(2026, 3, 3)} {
			must(rates.CreateExchangeRate(c.Ctx(), &platformv1.CreateExchangeRateRequest{ExchangeRate: &platformv1.ExchangeRate{
				FromCurrencyCode: from, ToCurrencyCode: "IDR", Rate: rate, Date: on,
			}}))(t)
		}
		got := must(rates.LookupExchangeRate(c.Ctx(), &platformv1.LookupExchangeRateRequest{FromCurrencyCode: from, ToCurrencyCode: "IDR"}))(t)
		if got.GetRate() != "2" {
			t.Errorf("today's rate is %s", got.GetRate())
		}
	})
}
