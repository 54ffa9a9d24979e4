package tenant_test

import (
	"testing"

	"github.com/lingkar-crm/lingkar/services/gateway/internal/tenant"
)

func TestTenant_check(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		tenant tenant.Tenant
		want   string
	}{
		"defaults":            {tenant.Tenant{DisplayName: "Toko"}, ""},
		"no name":             {tenant.Tenant{}, "display_name"},
		"unknown currency":    {tenant.Tenant{DisplayName: "Toko", CurrencyCode: "XXX"}, "currency_code"},
		"unknown zone":        {tenant.Tenant{DisplayName: "Toko", TimeZone: "Asia/Atlantis"}, "time_zone"},
		"the server's zone":   {tenant.Tenant{DisplayName: "Toko", TimeZone: "Local"}, "time_zone"},
		"a path":              {tenant.Tenant{DisplayName: "Toko", TimeZone: "../../etc/passwd"}, "time_zone"},
		"a quote":             {tenant.Tenant{DisplayName: "Toko", TimeZone: "Asia/Jakarta'"}, "time_zone"},
		"a zone in two parts": {tenant.Tenant{DisplayName: "Toko", TimeZone: "America/Argentina/Salta"}, ""},
		"UTC":                 {tenant.Tenant{DisplayName: "Toko", TimeZone: "UTC"}, ""},
	} {
		found := test.tenant.Check()
		if test.want == "" && len(found) > 0 || test.want != "" && (len(found) != 1 || found[0].Field != test.want) {
			t.Errorf("%s: %v, want %q", name, found, test.want)
		}
	}
}

func TestTenant_hasDefaults(t *testing.T) {
	t.Parallel()
	toko := tenant.Tenant{DisplayName: "Toko"}
	toko.Check()
	if toko.CurrencyCode != "IDR" || toko.TimeZone != "Asia/Jakarta" || toko.State != tenant.Active {
		t.Errorf("%+v", toko)
	}
}

func TestTenant_suspendTellsOnce(t *testing.T) {
	t.Parallel()
	toko := tenant.Tenant{State: tenant.Active}
	if told, err := toko.Suspend(); err != nil || len(told) != 1 || toko.State != tenant.Suspended {
		t.Fatalf("%v, %v, %v", told, err, toko.State)
	}
	if told, err := toko.Suspend(); err != nil || len(told) != 0 {
		t.Errorf("suspended again: %v, %v", told, err)
	}
	if told, err := toko.Resume(); err != nil || len(told) != 1 || toko.State != tenant.Active {
		t.Errorf("%v, %v, %v", told, err, toko.State)
	}
}
