package filter

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// node is one of and, or, not, term.
type node any

type (
	and []node
	or  []node
	not struct{ of node }
)

// term is a comparison, or a field that stands alone (op "").
type term struct {
	column int    // of its first character
	path   string // as written, without the key in quotes
	key    string // the key of a map, where written in quotes
	quoted bool   // whether there is such a key
	op     string
	value  literal
}

// literal is the right side of a comparison.
type literal struct {
	column int
	text   string // of a string: unescaped
	quoted bool
}

// parser reads a filter from left to right, without going back.
type parser struct {
	text  string
	at    int // next byte
	terms int
	depth int
}

// parse answers nil for an empty filter.
func parse(text string) (root node, err error) {
	if err := checkText(text); err != nil {
		return nil, err
	}
	defer func() {
		// The recursion below ends at the first mistake by panic.
		if mistake := recover(); mistake != nil {
			e, ok := mistake.(*Error)
			if !ok {
				panic(mistake)
			}
			root, err = nil, e
		}
	}()
	p := &parser{text: text}
	p.space()
	if p.at == len(text) {
		return nil, nil
	}
	root = p.expression()
	if p.at < len(text) {
		p.fail(p.at, "write AND or OR between conditions")
	}
	return root, nil
}

// checkText refuses what no filter may hold, wherever it stands.
func checkText(text string) error {
	if len(text) > MaxBytes {
		return &Error{Column: utf8.RuneCountInString(text[:MaxBytes]) + 1, Message: fmt.Sprintf("a filter has at most %d bytes", MaxBytes)}
	}
	for i, r := range text {
		if _, size := utf8.DecodeRuneInString(text[i:]); r == utf8.RuneError && size == 1 {
			return &Error{Column: utf8.RuneCountInString(text[:i]) + 1, Message: "not UTF-8"}
		}
		if r == 0 {
			return &Error{Column: utf8.RuneCountInString(text[:i]) + 1, Message: "NUL is not allowed"}
		}
	}
	return nil
}

// fail stops parsing at a byte of the text.
func (p *parser) fail(at int, format string, a ...any) {
	panic(&Error{Column: p.column(at), Message: fmt.Sprintf(format, a...)})
}

func (p *parser) column(at int) int { return utf8.RuneCountInString(p.text[:at]) + 1 }

// expression is factors joined by AND.
func (p *parser) expression() node {
	parts := and{p.factor()}
	for p.keyword("AND") {
		parts = append(parts, p.factor())
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return parts
}

// factor is terms joined by OR, which binds tighter than AND.
func (p *parser) factor() node {
	parts := or{p.simple()}
	for p.keyword("OR") {
		parts = append(parts, p.simple())
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return parts
}

// simple is a term or a parenthesis, perhaps negated.
func (p *parser) simple() node {
	if p.keyword("NOT") || p.take("-") {
		return not{of: p.positive()}
	}
	return p.positive()
}

func (p *parser) positive() node {
	start := p.at
	if !p.take("(") {
		return p.term()
	}
	if p.depth++; p.depth > MaxDepth {
		p.fail(start, "parentheses are nested deeper than %d", MaxDepth)
	}
	p.space()
	inner := p.expression()
	if !p.take(")") {
		p.fail(p.at, "expected ), AND or OR")
	}
	p.depth--
	p.space()
	return inner
}

func (p *parser) term() node {
	start := p.at
	if p.terms++; p.terms > MaxTerms {
		p.fail(start, "a filter has at most %d conditions", MaxTerms)
	}
	t := term{column: p.column(start), path: p.word(" \t\r\n()<>=!:,\"'")}
	switch t.path {
	case "", "AND", "OR", "NOT":
		p.fail(start, "expected a field")
	}
	if p.at < len(p.text) && (p.text[p.at] == '"' || p.text[p.at] == '\'') && strings.HasSuffix(t.path, ".") {
		t.path = strings.TrimSuffix(t.path, ".")
		t.key, t.quoted = p.quotedText(), true
	}
	p.space()
	for _, op := range []string{"<=", ">=", "!=", "<", ">", "=", ":"} {
		if p.take(op) {
			t.op = op
			p.space()
			t.value = p.literal()
			break
		}
	}
	p.space()
	return t
}

// literal is a string in quotes, or everything up to a space or parenthesis: a
// number, a name, a time.
func (p *parser) literal() literal {
	v := literal{column: p.column(p.at)}
	if p.at < len(p.text) && (p.text[p.at] == '"' || p.text[p.at] == '\'') {
		v.quoted, v.text = true, p.quotedText()
		return v
	}
	start := p.at
	v.text = p.word(" \t\r\n(),\"'")
	if v.text == "" {
		p.fail(start, "expected a value")
	}
	return v
}

func (p *parser) quotedText() string {
	start := p.at
	quote := p.text[p.at]
	var b strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; c {
		case quote:
			p.at++
			return b.String()
		case '\\':
			b.WriteByte(p.escaped())
		default:
			b.WriteByte(c)
		}
	}
	p.fail(start, "the string does not end")
	return ""
}

// escaped reads the character after a backslash.
func (p *parser) escaped() byte {
	at := p.at
	if p.at++; p.at < len(p.text) {
		switch c := p.text[p.at]; c {
		case '\\', '"', '\'':
			return c
		case 'n':
			return '\n'
		case 't':
			return '\t'
		}
	}
	p.fail(at, `after a backslash only \ " ' n t may stand`)
	return 0
}

// word reads up to one of the stop characters.
func (p *parser) word(stops string) string {
	rest := p.text[p.at:]
	if end := strings.IndexAny(rest, stops); end >= 0 {
		rest = rest[:end]
	}
	p.at += len(rest)
	return rest
}

func (p *parser) take(token string) bool {
	if !strings.HasPrefix(p.text[p.at:], token) {
		return false
	}
	p.at += len(token)
	return true
}

// keyword takes a word in capitals, with a space or a parenthesis behind it.
func (p *parser) keyword(word string) bool {
	rest := p.text[p.at:]
	if !strings.HasPrefix(rest, word) || len(rest) == len(word) || !strings.ContainsRune(" \t\r\n(", rune(rest[len(word)])) {
		return false
	}
	p.at += len(word)
	p.space()
	return true
}

func (p *parser) space() {
	p.at += len(p.text[p.at:]) - len(strings.TrimLeft(p.text[p.at:], " \t\r\n"))
}
