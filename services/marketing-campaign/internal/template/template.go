// Package template writes the messages of campaigns: plain text in which a closed
// set of variables stands for what is known of a contact.
//
// There are no expressions, functions, conditions or loops, and what a variable
// stands for is never read as a template again: a name such as "{{body}}" stays
// what it is. A template that was parsed can always be rendered.
package template

import (
	"errors"
	"slices"
	"strings"
	"unicode"
)

// Names is what is known of a contact.
type Names struct {
	Given, Family, Display, Organisation string
}

// variables are all there are.
var variables = map[string]func(Names) string{
	// A contact without a given name, such as an organisation, is called by the
	// name it is shown with.
	"given_name":        func(n Names) string { return firstOf(n.Given, n.Display) },
	"family_name":       func(n Names) string { return firstOf(n.Family, n.Display) },
	"display_name":      func(n Names) string { return n.Display },
	"organisation_name": func(n Names) string { return n.Organisation },
}

// Variables answers the names of all variables, sorted.
func Variables() []string {
	names := make([]string, 0, len(variables))
	for name := range variables {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// MaxVariables is how often variables may stand in one template: names may be
// long, and messages must not grow without bounds.
const MaxVariables = 50

// ErrTooMany says that a template has more than MaxVariables variables.
var ErrTooMany = errors.New("a template has at most 50 variables")

// ErrSyntax says that double braces do not enclose the name of a variable.
var ErrSyntax = errors.New("double braces must enclose one of " + strings.Join(Variables(), ", "))

// Template is a parsed text. The zero value renders nothing.
type Template struct {
	parts []part
}

// part is either a text or a variable.
type part struct {
	text     string
	variable func(Names) string
}

// Parse reads a text. ErrSyntax where it holds double braces around anything but
// a variable, ErrTooMany where it holds too many.
func Parse(text string) (Template, error) {
	var t Template
	for used := 0; ; used++ {
		before, rest, found := strings.Cut(text, "{{")
		if strings.Contains(before, "}}") {
			return Template{}, ErrSyntax
		}
		t.parts = append(t.parts, part{text: before})
		if !found {
			return t, nil
		}
		if used == MaxVariables {
			return Template{}, ErrTooMany
		}
		name, after, closed := strings.Cut(rest, "}}")
		variable, known := variables[strings.TrimSpace(name)]
		if !closed || !known {
			return Template{}, ErrSyntax
		}
		t.parts = append(t.parts, part{variable: variable})
		text = after
	}
}

// Render writes the text for one contact.
func (t Template) Render(n Names) string {
	var b strings.Builder
	for _, p := range t.parts {
		if p.variable != nil {
			b.WriteString(p.variable(n))
			continue
		}
		b.WriteString(p.text)
	}
	return b.String()
}

// RenderLine is Render for a text of one line: what would begin another line, or
// cannot be seen, becomes a space.
func (t Template) RenderLine(n Names) string {
	line := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, t.Render(n))
	return strings.TrimSpace(line)
}

func firstOf(names ...string) string {
	for _, n := range names {
		if n != "" {
			return n
		}
	}
	return ""
}
