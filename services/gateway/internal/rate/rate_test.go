package rate_test

import (
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/rate"
)

func TestRate_check(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ from, to, rate, want string }{
		{"USD", "IDR", "16250.5", ""},
		{"USD", "XXX", "1", "to_currency_code"},
		{"usd", "IDR", "1", "from_currency_code"},
		{"USD", "USD", "1", "to_currency_code"},
		{"USD", "IDR", "0", "rate"},
		{"USD", "IDR", "-0.000000001", "rate"},
	} {
		exact, err := money.ParseDecimal(test.rate)
		if err != nil {
			t.Fatal(err)
		}
		found := (&rate.Rate{From: test.from, To: test.to, Rate: exact}).Check()
		if test.want == "" && len(found) > 0 || test.want != "" && (len(found) != 1 || found[0].Field != test.want) {
			t.Errorf("%+v: %v", test, found)
		}
	}
}
