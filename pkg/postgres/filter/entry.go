package filter

import "fmt"

// boolEntry is the type of truth values in custom_key.
const boolEntry = 6

// entryTerm compares an entry whose type is known: by its index where there is one, else
// by the column. Both find the same.
func (w *writer) entryTerm(t term, field Field, column string) {
	e := field.Entry
	if t.op == ":" && t.present() {
		w.sql.WriteString(fmt.Sprintf("(%s -> %s) IS NOT NULL", column, w.arg(e.Key, "text")))
		return
	}
	value, ok := w.entryValue(t, e)
	if !ok {
		return
	}
	operator := t.op
	if operator == ":" || operator == "" || operator == "!=" {
		operator = "="
	}
	var found string
	if e.Indexed {
		found = fmt.Sprintf("t.id IN (SELECT e.id FROM custom_value e WHERE e.tenant = $1 AND e.field = %s AND e.value %s %s)",
			w.arg([16]byte(e.Field), "uuid"), operator, value)
	} else {
		found = fmt.Sprintf(`EXISTS (SELECT FROM custom_keys(%s, %s -> %s) AS k (value) WHERE k.value COLLATE "C" %s %s)`,
			w.arg(e.Type, "smallint"), column, w.arg(e.Key, "text"), operator, value)
	}
	if t.op == "!=" {
		found = "(" + found + ") IS NOT TRUE"
	}
	w.sql.WriteString(found)
}

// sortedTerm writes a condition on the entry that the list is sorted by as one on v.value,
// and reports whether it was one.
func (w *writer) sortedTerm(t term) bool {
	field, _, problem := w.resolve(t)
	if problem != "" || field.Type != Entry || w.fields.sorted == nil || field.Entry.Field != w.fields.sorted.Field ||
		t.op == "!=" || t.op == ":" {
		return false
	}
	value, ok := w.entryValue(t, field.Entry)
	if ok {
		operator := t.op
		if operator == "" {
			operator = "="
		}
		w.condition.Valued = true
		w.sql.WriteString("v.value " + operator + " " + value)
	}
	return true
}

// entryValue answers the place of what the entry is compared with, by its key; false
// where the comparison cannot be made.
func (w *writer) entryValue(t term, e *EntryOf) (string, bool) {
	text, quoted := t.value.text, t.value.quoted
	switch {
	case t.op == "" && e.Type == boolEntry:
		text, quoted = "true", false
	case t.op == "":
		w.fail(t.column, "expected a comparison: only a yes-or-no field stands alone")
		return "", false
	case e.Many && t.op != ":":
		w.fail(t.column, "a list has only has (:)")
		return "", false
	case !e.Many && t.op == ":":
		w.fail(t.column, "has (:) is for lists and maps; here only :* for presence")
		return "", false
	case !e.Ordered && t.op != "=" && t.op != "!=" && t.op != ":" && t.op != "":
		w.fail(t.column, "this field has only = and !=")
		return "", false
	}
	asJSON, problem := e.Parse(text, quoted)
	if problem != "" {
		w.fail(t.value.column, problem)
		return "", false
	}
	return fmt.Sprintf("custom_key(%s, %s)", w.arg(e.Type, "smallint"), w.arg(asJSON, "jsonb")), true
}
