package filter

import (
	"strings"
	"testing"
)

func TestCompile_foldsTheValue(t *testing.T) {
	t.Parallel()
	fields := NewFields("contact", []Field{{Path: "display_name", Column: "name_key", Fold: strings.ToLower}})
	var args []any
	condition, err := fields.Compile(`display_name = "Budi"`, &args)
	if err != nil {
		t.Fatal(err)
	}
	if len(args) != 1 || args[0] != "budi" || !strings.Contains(condition.SQL, "name_key") {
		t.Errorf("%s with %v, want name_key compared with the folded value", condition.SQL, args)
	}
}
