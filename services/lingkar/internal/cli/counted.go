package cli

import (
	"fmt"
	"strings"
)

// counted says how many there are of a thing that is named in the singular: "1 row",
// "2 rows", "0 entries". It knows the plurals with -s and those of words in -y.
func counted[N int | int32 | int64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	if stem, ok := strings.CutSuffix(one, "y"); ok {
		return fmt.Sprintf("%d %sies", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, one)
}
