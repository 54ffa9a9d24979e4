package document

import (
	"strings"
	"testing"
)

// B41: a name leads nowhere and turns no reading around.
func TestFileName(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"surat keluhan.pdf": "surat keluhan.pdf", "../../etc/passwd": "passwd", `C:\Users\ann\scan.tif`: "scan.tif", "..": "", "a/": "",
		"invoice\u202efdp.exe": "invoicefdp.exe", "a\x00b\n.txt": "ab.txt", ".htaccess": "htaccess", "x. . ": "x", "surat „resmi“.docx": "surat „resmi“.docx",
		`a"b<c>.txt`: "abc.txt", strings.Repeat("é", 200): strings.Repeat("é", 127),
	} {
		if got := fileName(said); got != want {
			t.Errorf("%q becomes %q, want %q", said, got, want)
		}
	}
}
