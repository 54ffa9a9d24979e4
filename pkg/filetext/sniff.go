package filetext

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/unpack"
)

// The media types of the Office formats of ECMA-376.
const (
	docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	pptx = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
)

// Unknown is the media type of what is none of those that are known.
const Unknown = "application/octet-stream"

// headBytes is how much of a file shows what it is.
const headBytes = 4 << 10

// signatures are what files begin with that net/http does not know, at an offset.
var signatures = []struct {
	at    int
	begin string
	media string
}{
	{0, "II*\x00", "image/tiff"},
	{0, "MM\x00*", "image/tiff"},
	{4, "ftypheic", "image/heic"},
	{4, "ftypmif1", "image/heif"},
	{4, "ftypM4A ", "audio/mp4"},
	{0, "{\\rtf", "application/rtf"},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"},
	{0, "fLaC", "audio/flac"},
	{0, "#!AMR", "audio/amr"},
	{0, "OggS", "application/ogg"},
}

// known are the media types of net/http that are documents, pictures, sound or films.
var known = map[string]bool{
	portable: true, "image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "image/bmp": true,
	"audio/mpeg": true, "audio/wave": true, "audio/aiff": true, "audio/basic": true,
	"video/mp4": true, "video/webm": true, "video/avi": true, "text/html": true,
}

// Sniff answers the media type of a file by what it holds; Unknown where it is no
// document, picture, sound or film, such as a program or an archive of other files. The
// error is that of reading it.
func Sniff(f File) (string, error) {
	head := make([]byte, min(f.Size(), headBytes))
	if n, err := f.ReadAt(head, 0); n < len(head) && err != nil {
		return "", err
	}
	for _, s := range signatures {
		if len(head) >= s.at && bytes.HasPrefix(head[s.at:], []byte(s.begin)) {
			return s.media, nil
		}
	}
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		return sniffArchive(f)
	}
	media, _, _ := strings.Cut(http.DetectContentType(head), ";")
	switch {
	case known[media]:
		return media, nil
	case strings.HasPrefix(media, "text/"):
		return "text/plain", nil
	}
	return Unknown, nil
}

// sniffArchive tells the Office formats apart from other archives. One that holds
// macros is a program.
func sniffArchive(f File) (string, error) {
	failing := &failing{File: f}
	z, err := unpack.Open(failing)
	if failing.err != nil {
		return "", failing.err
	}
	if err != nil {
		return Unknown, nil
	}
	media := Unknown
	for i, part := range z.File {
		switch name := strings.ToLower(part.Name); {
		case name == "word/document.xml":
			media = docx
		case name == "xl/workbook.xml":
			media = xlsx
		case name == "ppt/presentation.xml":
			media = pptx
		case strings.HasSuffix(name, "/vbaproject.bin"):
			return Unknown, nil
		case i == 0 && name == "mimetype":
			media = openDocument(part)
		}
	}
	return media, failing.err
}

// openDocument answers what the first part of an OpenDocument file says.
func openDocument(part *zip.File) string {
	body, err := part.Open()
	if err != nil {
		return Unknown
	}
	defer func() { _ = body.Close() }()
	said, _ := io.ReadAll(io.LimitReader(body, 100)) // what is cut is not known
	switch media := string(said); media {
	case "application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.spreadsheet", "application/vnd.oasis.opendocument.presentation":
		return media
	}
	return Unknown
}

// failing remembers why the file could not be read, which zip takes for damage.
type failing struct {
	File
	err error
}

// ReadAt implements io.ReaderAt.
func (f *failing) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}
