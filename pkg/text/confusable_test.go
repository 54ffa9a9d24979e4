package text_test

import (
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/text"
)

// B08: letters of other scripts become those they pass for, and nothing else changes.
func TestSkeleton(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"аdmin@example.com": "admin@example.com", "раураl": "paypal", "οmega": "omega", "müller": "müller", "siti": "siti", "": "",
	} {
		if got := text.Skeleton(in); got != want {
			t.Errorf("Skeleton(%q) = %q, want %q", in, got, want)
		}
	}
	if a, b := text.Skeleton(text.Key("paypaⅼ")), text.Skeleton(text.Key("PayPal")); a != b {
		t.Errorf("%q beside %q", a, b)
	}
}
