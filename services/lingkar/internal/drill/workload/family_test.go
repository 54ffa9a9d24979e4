package workload

import (
	"encoding/hex"
	"regexp"
	"testing"
)

// What is looked for in every table is what was said, as text and as bytes.
func TestCanaryPattern(t *testing.T) {
	t.Parallel()
	pattern := regexp.MustCompile("^(" + CanaryPattern + ")$")
	for _, c := range []*client{
		{prefix: "d0123456789abcdef-00"}, {prefix: "dffffffffffffffff-17", number: 17, families: make([]*Family, 104)},
	} {
		for _, said := range []string{c.canary(), hex.EncodeToString([]byte(c.canary()))} {
			if !pattern.MatchString(said) {
				t.Errorf("%s is not found", said)
			}
		}
	}
}
