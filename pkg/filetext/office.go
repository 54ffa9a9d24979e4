package filetext

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"io"
	"regexp"

	"github.com/lingkar-crm/lingkar/pkg/unpack"
)

// maxUnpacked is how much of an Office file is unpacked, in bytes.
const maxUnpacked = 256 << 20

// parts are the files of an archive that hold text, by media type.
var parts = map[string]*regexp.Regexp{
	docx: regexp.MustCompile(`(?i)^word/(document|header\d*|footer\d*|footnotes|endnotes|comments)\.xml$`),
	xlsx: regexp.MustCompile(`(?i)^xl/(sharedStrings|worksheets/[^/]+|comments[^/]*)\.xml$`),
	pptx: regexp.MustCompile(`(?i)^ppt/(slides|notesSlides)/[^/]+\.xml$`),
}

func readOffice(f File, media string, out *text) error {
	z, err := unpack.Open(f)
	if err != nil {
		return err
	}
	unpacked := int64(0)
	for _, part := range z.File {
		if !parts[media].MatchString(part.Name) || out.full {
			continue
		}
		if err := readPart(part, out, &unpacked); err != nil {
			return err
		}
	}
	return nil
}

func readPart(part *zip.File, out *text, unpacked *int64) error {
	body, err := part.Open()
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	m := unpack.NewMeter(body, unpacked, maxUnpacked)
	x := xml.NewDecoder(m)
	within := 0 // elements that hold text
	for !out.full {
		m.Begin()
		token, err := x.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch e := token.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "t":
				within++
			case "tab", "br", "cr", "c":
				out.blank = true
			}
		case xml.EndElement:
			switch e.Name.Local {
			case "t":
				within--
			case "p", "si", "row", "comment":
				out.line = true
			}
		case xml.CharData:
			if within > 0 {
				out.words(string(e))
			}
		}
	}
	return nil
}
