package sheet_test

import (
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/sheet"
)

// B27: what a spreadsheet would run is written with an apostrophe, and read back
// as it was.
func TestGuard(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"=cmd|' /C calc'!A0": "'=cmd|' /C calc'!A0", "+62 812": "'+62 812", "-5": "'-5", "@SUM(A1)": "'@SUM(A1)",
		"\t=1": "'\t=1", "\rx": "'\rx", "  =1": "'  =1", "\x01=1": "'\x01=1", "＝1": "'＝1", "\u200b=1": "'\u200b=1",
		"'=1": "''=1", "' =1": "'' =1", "": "", "'": "'", "Budi": "Budi", "'n Roll": "'n Roll", "a=b": "a=b", "5-3": "5-3",
	} {
		got := sheet.Guard(cell)
		if got != want {
			t.Errorf("Guard(%q) = %q, want %q", cell, got, want)
		}
		if back := sheet.Unguard(got); back != cell {
			t.Errorf("Unguard(Guard(%q)) = %q", cell, back)
		}
	}
}

func FuzzGuard(f *testing.F) {
	f.Add("''=1")
	f.Add("' \t@")
	f.Fuzz(func(t *testing.T, cell string) {
		if back := sheet.Unguard(sheet.Guard(cell)); back != cell && sheet.Guard(cell) != cell {
			t.Errorf("%q came back as %q", cell, back)
		}
	})
}
