package apikey_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/services/gateway/internal/apikey"
)

func TestKey_sealKeepsNoSecret(t *testing.T) {
	t.Parallel()
	var a, b apikey.Key
	first, second := a.Seal(), b.Seal()
	if first == second || !apikey.Looks(first) || len(first) != 46 {
		t.Fatalf("secrets %q and %q", first, second)
	}
	if !bytes.Equal(a.Hash, apikey.Hash(first)) || bytes.Contains(a.Hash, []byte(first)) || a.Suffix != first[42:] {
		t.Errorf("kept %+v of %q", a, first)
	}
	for _, token := range []string{"", "lk_", "lk_short", first + "x", "xx_" + first[3:]} {
		if apikey.Looks(token) {
			t.Errorf("%q looks like a secret", token)
		}
	}
}

func TestKey_state(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	end := now.Add(time.Hour)
	key := apikey.Key{ExpireTime: &end}
	for _, test := range []struct {
		at   time.Time
		want apikey.State
	}{{now, apikey.Active}, {end.Add(-time.Nanosecond), apikey.Active}, {end, apikey.Expired}} {
		if got := key.State(test.at); got != test.want {
			t.Errorf("at %s it is %d, want %d", test.at, got, test.want)
		}
	}
	key.DeleteTime = &now
	if key.State(now) != apikey.Revoked {
		t.Error("a revoked key is not")
	}
	past := now.Add(-time.Second)
	if v := (&apikey.Key{ExpireTime: &past}).Check(now); len(v) != 1 {
		t.Errorf("a key that has ended already: %v", v)
	}
}
