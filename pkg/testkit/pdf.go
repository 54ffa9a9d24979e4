package testkit

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"strings"
)

// PDF answers a PDF file with such pages, of lines of ASCII text without brackets. A page
// without text is an empty one, as a scan has.
func PDF(pages ...string) []byte {
	objects := []string{"<< /Type /Catalog /Pages 2 0 R >>", "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"}
	var kids strings.Builder
	for _, page := range pages {
		content := ""
		if page != "" {
			content = "BT /F1 11 Tf 50 780 Td 14 TL (" + strings.Join(strings.Split(page, "\n"), ") Tj T* (") + ") Tj ET"
		}
		n := len(objects) + 1
		fmt.Fprintf(&kids, "%d 0 R ", n)
		objects = append(objects,
			fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>", n+1),
			pdfStream("", strings.NewReader(content)))
	}
	objects[1] = fmt.Sprintf("<< /Type /Pages /Kids [ %s] /Count %d >>", kids.String(), len(pages))
	return pdfOf(objects...)
}

// PDFBomb answers a small file of which the one page unpacks to so many bytes, of blanks
// that draw nothing.
func PDFBomb(unpacked int64) []byte {
	return pdfOf("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>", pdfStream("", io.LimitReader(blanks{}, unpacked)))
}

// SlowPDF answers a small file of which the one page takes an hour to read, and little
// memory: it draws a million times a form that does nothing, a million times.
func SlowPDF() []byte {
	form := func(next string, content string) string {
		return pdfStream("/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /F "+next+" >> >>", strings.NewReader(content))
	}
	return pdfOf("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /XObject << /F 5 0 R >> >> /Contents 4 0 R >>",
		pdfStream("", strings.NewReader("/F Do")),
		form("6 0 R", strings.Repeat("/F Do ", 1000)), form("7 0 R", strings.Repeat("/F Do ", 1000)), form("null", strings.Repeat("q Q ", 1<<20)))
}

// blanks are read without end.
type blanks struct{}

// Read implements io.Reader.
func (blanks) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// pdfStream is an object with entries of its own and packed content.
func pdfStream(entries string, content io.Reader) string {
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	_, _ = io.Copy(z, content) // into memory
	_ = z.Close()
	return fmt.Sprintf("<< %s /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream", entries, packed.Len(), packed.String())
}

// pdfOf makes a file of its objects, the first of which is the catalogue.
func pdfOf(objects ...string) []byte {
	var file, places bytes.Buffer
	file.WriteString("%PDF-1.7\n")
	for i, object := range objects {
		fmt.Fprintf(&places, "%010d 00000 n \n", file.Len())
		fmt.Fprintf(&file, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	at := file.Len()
	fmt.Fprintf(&file, "xref\n0 %d\n0000000000 65535 f \n%strailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, places.String(), len(objects)+1, at)
	return file.Bytes()
}
