// Package vcard reads vCards of the versions 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350)
// as address books write them, and writes a contact as one of version 4.0.
//
// Parse undoes folding, quoted-printable (with soft line ends and its character
// set), groups and parameters in both forms; what a value means is left to the
// caller. It runs and fetches nothing: pictures, keys, sounds and other binary values
// are left out and named in Card.Dropped, as is a property over 60 KiB.
//
// Limits: 1,000 properties a card; the text must be UTF-8 but for values that are
// quoted-printable.
package vcard

import (
	"io"
	"mime/quotedprintable"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

const (
	// maxProperties is the most properties of a card.
	maxProperties = 1000
	// maxValue is the longest property, in bytes as it stands.
	maxValue = 60 << 10
)

// Card is one vCard.
type Card struct {
	// Version is "2.1", "3.0" or "4.0".
	Version string
	// Properties are those that could be read, in their order, without BEGIN, END and
	// VERSION.
	Properties []Property
	// Dropped names the properties that were left out, each once.
	Dropped []string
}

// Property is one line of a card, unfolded.
type Property struct {
	// Group is what binds properties together, such as "item1"; mostly empty.
	Group string
	// Name is in upper case.
	Name string
	// Params are the parameters, their names in upper case. A bare word of version
	// 2.1 is a TYPE.
	Params map[string][]string

	value   string
	version string
}

// Parse reads one card, from its BEGIN to its END. It answers INVALID_ARGUMENT
// CARD_INVALID for what is none, CARD_TOO_LARGE for one of too many properties.
func Parse(text string) (*Card, error) {
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
	c := &Card{Version: versionOf(lines)}
	if c.Version == "" {
		return nil, errs.Invalid("row", "CARD_INVALID", "want a vCard of version 2.1, 3.0 or 4.0")
	}
	depth, count := 0, 0
	for _, line := range unfold(lines, c.Version) {
		p, ok := parseLine(line, c.Version)
		switch {
		case !ok:
		case p.Name == "BEGIN":
			depth++
		case p.Name == "END":
			depth--
		case depth > 1 || p.Name == "VERSION":
			// a card within the card, or known already
		default:
			if count++; count > maxProperties {
				return nil, errs.Invalid("row", "CARD_TOO_LARGE", "the vCard has more than 1,000 properties")
			}
			c.add(p)
		}
	}
	return c, nil
}

// add keeps a property, or notes that it was left out.
func (c *Card) add(p Property) {
	if !p.decode() {
		c.Drop(p.Name)
		return
	}
	if strings.TrimSpace(strings.Trim(p.value, ";")) != "" {
		c.Properties = append(c.Properties, p)
	}
}

// Drop notes that a property was left out.
func (c *Card) Drop(name string) {
	if len(name) <= 60 && !slices.Contains(c.Dropped, name) {
		c.Dropped = append(c.Dropped, name)
	}
}

// All answers the properties of a name, the preferred one first.
func (c *Card) All(name string) []Property {
	var found []Property
	for _, p := range c.Properties {
		if p.Name == name {
			found = append(found, p)
		}
	}
	slices.SortStableFunc(found, func(a, b Property) int { return a.preference() - b.preference() })
	return found
}

// Text answers the preferred value of a name, or "".
func (c *Card) Text(name string) string {
	for _, p := range c.All(name) {
		return p.Text()
	}
	return ""
}

// Text answers the value as a text.
func (p Property) Text() string { return strings.TrimSpace(p.unescape(p.value)) }

// Parts answers the parts of a value that has several, such as N and ADR.
func (p Property) Parts() []string { return p.split(';') }

// List answers the values of a list, such as CATEGORIES.
func (p Property) List() []string { return p.split(',') }

// Is tells whether a TYPE is among the parameters, whatever its case.
func (p Property) Is(kind string) bool {
	return slices.ContainsFunc(p.Params["TYPE"], func(t string) bool { return strings.EqualFold(t, kind) })
}

// Preferred tells whether it is the first of its name to be used.
func (p Property) Preferred() bool { return p.preference() == 1 }

// preference is from 1, first, to 101, not said.
func (p Property) preference() int {
	if p.Is("pref") {
		return 1
	}
	for _, v := range p.Params["PREF"] {
		if n, err := strconv.Atoi(v); err == nil && n >= 1 && n <= 100 {
			return n
		}
	}
	return 101
}

// split cuts a value at a separator that is not escaped, and unescapes the pieces.
func (p Property) split(at byte) []string {
	var parts []string
	start := 0
	for i := 0; i < len(p.value); i++ {
		switch p.value[i] {
		case '\\':
			i++
		case at:
			parts, start = append(parts, p.value[start:i]), i+1
		}
	}
	parts = append(parts, p.value[min(start, len(p.value)):])
	for i, part := range parts {
		parts[i] = strings.TrimSpace(p.unescape(part))
	}
	return parts
}

// unescape reads a backslash as its version means it: in 2.1 it guards separators
// only, and stands for itself elsewhere.
func (p Property) unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		next := s[i+1]
		switch {
		case strings.IndexByte(`;,\`, next) >= 0:
			b.WriteByte(next)
		case p.version == "2.1":
			b.WriteByte('\\')
			continue
		case next == 'n' || next == 'N':
			b.WriteByte('\n')
		default:
			b.WriteByte(next)
		}
		i++
	}
	return b.String()
}

// versionOf answers the version that a card says it is of; 2.1 did not ask for it.
func versionOf(lines []string) string {
	begun := false
	for _, line := range lines {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch strings.ToUpper(name) {
		case "BEGIN":
			begun = true
		case "VERSION":
			if v := strings.TrimSpace(value); v == "2.1" || v == "3.0" || v == "4.0" {
				return v
			}
			return ""
		}
	}
	if begun {
		return "2.1"
	}
	return ""
}

// unfold puts the lines of a property together: those that begin with a blank, and
// those after a soft line end of quoted-printable. Version 2.1 folds before a blank
// that belongs to the value.
func unfold(lines []string, version string) []string {
	var whole []string
	soft := false
	for _, line := range lines {
		last := len(whole) - 1
		switch {
		case soft:
			whole[last] += "\n" + line
		case last >= 0 && line != "" && (line[0] == ' ' || line[0] == '\t'):
			if version != "2.1" {
				line = line[1:]
			}
			whole[last] += line
		default:
			whole = append(whole, line)
		}
		if last = len(whole) - 1; len(whole[last]) > 2*maxValue {
			whole[last] = whole[last][:2*maxValue] // it is left out below
		}
		soft = strings.HasSuffix(line, "=") && quotedPrintable(whole[last])
	}
	return whole
}

func quotedPrintable(line string) bool {
	head, _, _ := strings.Cut(line, ":")
	return strings.Contains(strings.ToUpper(head), "QUOTED-PRINTABLE")
}

// parseLine reads "group.NAME;PARAM=value:text"; false where it is none.
func parseLine(line, version string) (Property, bool) {
	colon := unquotedIndex(line, ':')
	if colon < 0 {
		return Property{}, false
	}
	p := Property{Params: map[string][]string{}, value: line[colon+1:], version: version}
	head := splitUnquoted(line[:colon], ';')
	p.Name = strings.ToUpper(strings.TrimSpace(head[0]))
	if dot := strings.LastIndexByte(p.Name, '.'); dot >= 0 {
		p.Group, p.Name = strings.ToLower(p.Name[:dot]), p.Name[dot+1:]
	}
	for _, param := range head[1:] {
		name, value, named := strings.Cut(param, "=")
		name = strings.ToUpper(strings.TrimSpace(name))
		if !named {
			name, value = bareParameter(name)
		}
		for _, v := range splitUnquoted(value, ',') {
			v = unquote(strings.TrimSpace(v))
			p.Params[name] = append(p.Params[name], strings.Split(v, ",")...) // TYPE="work,voice" says two
		}
	}
	return p, p.Name != ""
}

// bareParameter names a parameter of version 2.1 that stands without its name.
func bareParameter(word string) (name, value string) {
	switch word {
	case "QUOTED-PRINTABLE", "BASE64", "8BIT", "7BIT":
		return "ENCODING", word
	case "INLINE", "URL", "CID":
		return "VALUE", word
	}
	return "TYPE", word
}

// unquote takes off quotation marks, and reads what RFC 6868 writes for them.
func unquote(v string) string {
	v = strings.Trim(v, `"`)
	if !strings.Contains(v, "^") {
		return v
	}
	return strings.NewReplacer("^^", "^", "^n", "\n", "^'", `"`).Replace(v)
}

func unquotedIndex(s string, c byte) int {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == c && !quoted:
			return i
		}
	}
	if quoted { // never closed: it is a sign like any other
		return strings.IndexByte(s, c)
	}
	return -1
}

func splitUnquoted(s string, c byte) []string {
	var all []string
	for {
		i := unquotedIndex(s, c)
		if i < 0 {
			return append(all, s)
		}
		all, s = append(all, s[:i]), s[i+1:]
	}
}

// binaries are the properties whose value is a picture, a sound or a key, also where
// it is only a link to one.
var binaries = []string{"PHOTO", "LOGO", "SOUND", "KEY", "AGENT"}

// decode reads the value of its transport; false where it is to be left out.
func (p *Property) decode() bool {
	if len(p.value) > maxValue || slices.Contains(binaries, p.Name) {
		return false
	}
	for _, encoding := range p.Params["ENCODING"] {
		switch strings.ToUpper(encoding) {
		case "B", "BASE64":
			return false
		case "QUOTED-PRINTABLE":
			return p.decodeQuoted()
		}
	}
	return utf8.ValidString(p.value)
}

func (p *Property) decodeQuoted() bool {
	raw, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(strings.ReplaceAll(p.value, "=\n", "="+"\r\n"))))
	if err != nil {
		return false
	}
	p.value = string(raw)
	if charset := p.Params["CHARSET"]; len(charset) > 0 && !strings.EqualFold(charset[0], "utf-8") {
		e, err := htmlindex.Get(charset[0])
		if err != nil {
			return false
		}
		if p.value, err = e.NewDecoder().String(p.value); err != nil {
			return false
		}
	} else if !utf8.ValidString(p.value) {
		e, err := htmlindex.Get("windows-1252") // what is written where no set is named and it is not UTF-8
		if err != nil {
			return false
		}
		if p.value, err = e.NewDecoder().String(p.value); err != nil {
			return false
		}
	}
	p.value = strings.ReplaceAll(p.value, "\r\n", "\n")
	return true
}
