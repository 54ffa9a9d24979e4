package httprule

import (
	"fmt"
	"net/url"
	"strings"
)

// Template is the path of a Binding, such as "/v1/{lead.name=leads/*}:convert".
type Template struct {
	parts []part
	verb  string
}

// part is a literal segment, or a variable with the segments it captures.
type part struct {
	literal  string
	variable string
	segments []string
}

// Parse reads a path template.
func Parse(path string) (Template, error) {
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		return Template{}, fmt.Errorf("path template %q does not begin with a slash", path)
	}
	var t Template
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, '}') && i > strings.LastIndexByte(rest, '/') {
		rest, t.verb = rest[:i], rest[i+1:]
	}
	for rest != "" {
		var segment string
		if strings.HasPrefix(rest, "{") {
			end := strings.IndexByte(rest, '}')
			if end < 0 {
				return Template{}, fmt.Errorf("path template %q leaves a brace open", path)
			}
			segment, rest = rest[:end+1], strings.TrimPrefix(rest[end+1:], "/")
		} else {
			segment, rest, _ = strings.Cut(rest, "/")
		}
		p, err := parsePart(segment)
		if err != nil {
			return Template{}, fmt.Errorf("path template %q: %w", path, err)
		}
		t.parts = append(t.parts, p)
	}
	return t, nil
}

func parsePart(segment string) (part, error) {
	inner, ok := strings.CutPrefix(segment, "{")
	if !ok {
		if strings.ContainsAny(segment, "{}*") || segment == "" {
			return part{}, fmt.Errorf("segment %q is neither a literal nor a variable", segment)
		}
		return part{literal: segment}, nil
	}
	variable, captured, ok := strings.Cut(strings.TrimSuffix(inner, "}"), "=")
	if !ok {
		captured = "*"
	}
	return part{variable: variable, segments: strings.Split(captured, "/")}, nil
}

// Variables answers the field paths that travel in the URL's path, such as
// "lead.name".
func (t Template) Variables() []string {
	var names []string
	for _, p := range t.parts {
		if p.variable != "" {
			names = append(names, p.variable)
		}
	}
	return names
}

// String writes the template with every capture spelt out.
func (t Template) String() string {
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteByte('/')
		if p.variable == "" {
			b.WriteString(p.literal)
			continue
		}
		fmt.Fprintf(&b, "{%s=%s}", p.variable, strings.Join(p.segments, "/"))
	}
	if t.verb != "" {
		b.WriteString(":" + t.verb)
	}
	return b.String()
}

// Expand writes the escaped path for the given values. A value that its
// variable cannot capture goes in place of the first wildcard, slashes escaped:
// such a path reaches no other RPC, and is refused as the value deserves.
func (t Template) Expand(value func(variable string) string) string {
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteByte('/')
		if p.variable == "" {
			b.WriteString(p.literal)
			continue
		}
		b.WriteString(p.expand(value(p.variable)))
	}
	if t.verb != "" {
		b.WriteString(":" + t.verb)
	}
	return b.String()
}

func (p part) expand(value string) string {
	given := strings.Split(value, "/")
	if !p.captures(given) {
		return p.misfit(value)
	}
	for i := range given {
		given[i] = escape(given[i])
	}
	return strings.Join(given, "/")
}

func (p part) captures(given []string) bool {
	for i, want := range p.segments {
		if want == "**" {
			return true
		}
		if i >= len(given) || given[i] == "" || want != "*" && want != given[i] {
			return false
		}
		if given[i] == "." || given[i] == ".." {
			return false
		}
	}
	return len(given) == len(p.segments)
}

func (p part) misfit(value string) string {
	var path []string
	for _, s := range p.segments {
		if strings.HasPrefix(s, "*") {
			break
		}
		path = append(path, s)
	}
	return strings.Join(append(path, escape(value)), "/")
}

// escape writes a value as one segment. A colon is escaped too: at the end of a
// path it would begin a verb.
func escape(value string) string {
	return strings.ReplaceAll(url.PathEscape(value), ":", "%3A")
}
