package filter

import (
	"encoding/json"
	"fmt"
	"regexp"
)

// mapTerm compares one entry of a map from text to text.
func (w *writer) mapTerm(t term, key string, field Field, column string) {
	entry := fmt.Sprintf("(%s ->> %s)", column, w.arg(key, "text"))
	switch {
	case t.entryPresent(field):
		w.sql.WriteString(entry + " IS NOT NULL")
	case t.op == "=" || t.op == ":":
		w.sql.WriteString(entry + " = " + w.arg(t.value.text, "text"))
	case t.op == "!=":
		w.sql.WriteString(entry + " IS DISTINCT FROM " + w.arg(t.value.text, "text"))
	default:
		w.fail(t.column, "an entry of this map has only =, != and :")
	}
}

// indexedTerm looks entries up in table map_entry. As a condition of its own,
// PostgreSQL turns it into a join on its index.
func (w *writer) indexedTerm(t term, key string, field Field) {
	value := ""
	switch {
	case t.entryPresent(field):
	case t.op == "=" || t.op == ":" || t.op == "!=":
		value = " AND e.value = " + w.arg(t.value.text, "text")
	default:
		w.fail(t.column, "an entry of this map has only =, != and :")
		return
	}
	found := fmt.Sprintf("t.id IN (SELECT e.id FROM map_entry e WHERE e.tenant = $1 AND e.source = %s AND e.key = %s%s)",
		w.arg(w.fields.table+"."+field.Column, "text"), w.arg(key, "text"), value)
	if t.op == "!=" {
		found = "(" + found + ") IS NOT TRUE"
	}
	w.sql.WriteString(found)
}

// jsonNumber is what a number looks like in JSON, within what numeric takes
// without effort.
var jsonNumber = regexp.MustCompile(`^-?(0|[1-9]\d{0,27})(\.\d{1,20})?$`)

// jsonTerm compares a typed entry: a string in quotes, a number, true or false.
// Values of another type than the given one are unequal, and not in any order
// with it.
func (w *writer) jsonTerm(t term, key string, field Field, column string) {
	entry := fmt.Sprintf("(%s -> %s)", column, w.arg(key, "text"))
	if t.entryPresent(field) {
		w.sql.WriteString(entry + " IS NOT NULL")
		return
	}
	if t.op == "" {
		w.fail(t.column, "expected a comparison")
		return
	}
	kind, problem := jsonKind(t.value)
	if problem != "" {
		w.fail(t.value.column, problem)
		return
	}
	switch t.op {
	case "=", ":":
		w.sql.WriteString(entry + " = " + w.arg(jsonText(t.value, kind), "jsonb"))
	case "!=":
		w.sql.WriteString(entry + " IS DISTINCT FROM " + w.arg(jsonText(t.value, kind), "jsonb"))
	default:
		w.jsonOrder(t, entry, kind)
	}
}

// jsonOrder compares numbers by value and strings byte by byte. CASE keeps a
// value of another type from being cast.
func (w *writer) jsonOrder(t term, entry, kind string) {
	cast, value := "text", t.value.text
	switch kind {
	case "number":
		cast = "numeric"
	case "boolean":
		w.fail(t.column, "true and false have no order")
		return
	}
	w.sql.WriteString(fmt.Sprintf("CASE WHEN jsonb_typeof(%s) = '%s' THEN (%s #>> '{}')::%s %s %s END",
		entry, kind, entry, cast, t.op, w.arg(value, cast)))
}

func jsonKind(v literal) (kind, problem string) {
	switch {
	case v.quoted:
		return "string", ""
	case v.text == "true" || v.text == "false":
		return "boolean", ""
	case jsonNumber.MatchString(v.text):
		return "number", ""
	default:
		return "", "expected a string in quotes, a number, true or false"
	}
}

// jsonText writes the value as JSON.
func jsonText(v literal, kind string) string {
	if kind != "string" {
		return v.text
	}
	// A string of valid UTF-8 always has a JSON form.
	text, _ := json.Marshal(v.text)
	return string(text)
}
