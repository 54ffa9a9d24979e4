package filter

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// writer writes the SQL of a tree. It keeps the first error and goes on to no
// effect.
type writer struct {
	fields    *Fields
	args      *[]any
	families  map[Member][]uuid.UUID
	sql       strings.Builder
	condition Condition
	err       error
}

// conjuncts writes the top of the tree: what stands here an index may serve.
func (w *writer) conjuncts(root node) {
	parts, ok := root.(and)
	if !ok {
		parts = and{root}
	}
	for i, part := range parts {
		if i > 0 {
			w.sql.WriteString(" AND ")
		}
		w.note(part)
		if t, ok := part.(term); !ok || !w.sortedTerm(t) {
			w.node(part)
		}
	}
}

// note records what an index would have to serve.
func (w *writer) note(n node) {
	t, ok := n.(term)
	if !ok {
		w.condition.Other = true
		return
	}
	field, known := w.fields.Lookup(t.path)
	switch {
	case !known || field.Type >= Decimal:
		w.condition.Other = true
	case t.op == "=" || t.op == "":
		w.condition.Equal = append(w.condition.Equal, t.path)
	case t.op == "!=" || t.op == ":":
		w.condition.Other = true
	default:
		w.condition.Range = append(w.condition.Range, t.path)
	}
}

func (w *writer) node(n node) {
	switch n := n.(type) {
	case and:
		w.join(n, " AND ")
	case or:
		w.join(n, " OR ")
	case not:
		w.sql.WriteByte('(')
		w.node(n.of)
		w.sql.WriteString(") IS NOT TRUE")
	case term:
		w.term(n)
	}
}

func (w *writer) join(parts []node, operator string) {
	w.sql.WriteByte('(')
	for i, part := range parts {
		if i > 0 {
			w.sql.WriteString(operator)
		}
		w.node(part)
	}
	w.sql.WriteByte(')')
}

// term writes one comparison, as its field's type has it.
func (w *writer) term(t term) {
	field, key, problem := w.resolve(t)
	if problem != "" {
		w.fail(t.column, problem)
		return
	}
	column := "t." + Quote(field.Column)
	switch {
	case t.whole(field) && t.present():
		w.sql.WriteString(column + " <> '{}'::jsonb")
	case field.Type == Map:
		w.mapTerm(t, key, field, column)
	case field.Type == IndexedMap:
		w.indexedTerm(t, key, field)
	case field.Type == JSON:
		w.jsonTerm(t, key, field, column)
	case field.Type == Entry:
		w.entryTerm(t, field, column)
	case field.Type == List:
		w.listTerm(t, column)
	default:
		w.scalarTerm(t, field, column)
	}
}

// resolve finds the field, and the key where the field is a map: what follows
// its dot, or the value of has (`labels:tier`).
func (w *writer) resolve(t term) (field Field, key, problem string) {
	field, ok := w.fields.Lookup(t.path)
	switch {
	case ok && t.quoted && field.Type == JSON && w.fields.entry != nil:
		if entry, known := w.fields.entry(t.path + "." + t.key); known {
			return entry, t.key, ""
		}
		return field, t.key, ""
	case !ok && !t.quoted:
		return w.resolveKey(t.path)
	case !ok || t.quoted && !field.keyed():
		return Field{}, "", w.unknown()
	case t.quoted:
		return field, t.key, ""
	case field.keyed() && t.op != ":":
		return Field{}, "", "this field is a map: name an entry, as in " + field.Path + ".key"
	default:
		return field, t.value.text, ""
	}
}

// resolveKey finds the map whose path the text begins with. The key may hold
// dots itself.
func (w *writer) resolveKey(text string) (field Field, key, problem string) {
	for i, c := range text {
		if c != '.' {
			continue
		}
		if field, ok := w.fields.Lookup(text[:i]); ok && field.keyed() && i+1 < len(text) {
			return field, text[i+1:], ""
		}
	}
	return Field{}, "", w.unknown()
}

func (w *writer) unknown() string { return "unknown field; the fields are " + w.fields.Known() }

func (f Field) keyed() bool { return f.Type == Map || f.Type == IndexedMap || f.Type == JSON }

// present says whether the value is the * that asks for presence.
func (t term) present() bool { return t.value.text == "*" && !t.value.quoted }

// whole says whether the term is about the map itself: `labels:tier`, `labels:*`.
func (t term) whole(field Field) bool {
	return field.keyed() && t.op == ":" && t.path == field.Path && !t.quoted
}

// entryPresent says whether the term asks whether an entry of the map is there:
// `labels:tier`, `labels.tier:*`.
func (t term) entryPresent(field Field) bool {
	return t.whole(field) || t.op == ":" && t.present()
}

// scalarTerm compares a column with a value of its type.
func (w *writer) scalarTerm(t term, field Field, column string) {
	switch {
	case t.op == ":" && t.present():
		w.sql.WriteString(column + " IS NOT NULL")
		return
	case t.op == "" && field.Type == Bool:
		w.sql.WriteString(column + " IS TRUE")
		return
	case t.op == "":
		w.fail(t.column, "expected a comparison: only a yes-or-no field stands alone")
		return
	case t.op == ":":
		w.fail(t.column, "has (:) is for lists and maps; here only :* for presence")
		return
	case t.op != "=" && t.op != "!=" && !field.ordered():
		w.fail(t.column, "this field has only = and !=")
		return
	}
	value, cast, problem := field.parse(t.value)
	if problem != "" {
		w.fail(t.value.column, problem)
		return
	}
	if id, ok := value.([16]byte); ok && field.Family != "" && w.familyTerm(t, field, column, id) {
		return
	}
	operator := t.op
	if operator == "!=" {
		operator = "IS DISTINCT FROM"
	}
	w.sql.WriteString(column + " " + operator + " " + w.arg(value, cast))
}

// familyTerm compares with all values that are one with the one given, where that is
// known to be more than itself; it notes that it was asked.
func (w *writer) familyTerm(t term, field Field, column string, id [16]byte) bool {
	m := Member{Function: field.Family, ID: id}
	family := w.families[m]
	if len(family) < 2 {
		w.condition.Members = append(w.condition.Members, m)
		return false
	}
	w.condition.Other = true
	not := ""
	if t.op == "!=" {
		not = " IS NOT TRUE"
	}
	w.sql.WriteString("(" + column + " = ANY (" + w.arg(family, "uuid[]") + "))" + not)
	return true
}

func (f Field) ordered() bool {
	switch f.Type {
	case Text, Int, Time, Date, Decimal:
		return true
	default:
		return false
	}
}

// listTerm asks whether a list holds a value.
func (w *writer) listTerm(t term, column string) {
	switch {
	case t.op != ":":
		w.fail(t.column, "a list has only has (:)")
	case t.present():
		w.sql.WriteString(column + " <> '{}'")
	default:
		w.sql.WriteString(w.arg(t.value.text, "text") + " = ANY (" + column + ")")
	}
}

// arg appends a value and answers its place, with the type it is sent as.
func (w *writer) arg(value any, cast string) string {
	*w.args = append(*w.args, value)
	return fmt.Sprintf("$%d::%s", len(*w.args), cast)
}

func (w *writer) fail(column int, message string) {
	if w.err == nil {
		w.err = &Error{Column: column, Message: message}
	}
}

// Quote makes an SQL identifier.
func Quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
