package postgres_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// Random filters on random rows: what PostgreSQL finds is what a plain evaluator
// finds. The evaluator works on the tree the filter was written from, so it
// shares nothing with the code under test, not even the parser.

// condition is a node of a filter.
type condition struct {
	text  string // as a caller writes it
	holds func(g *gadget) bool
}

func TestFilter_findsWhatAnEvaluatorFinds(t *testing.T) {
	t.Parallel()
	db := openGadgets(t)
	rapid.Check(t, func(rt *rapid.T) {
		tenant := uuid.New()
		rows := rapid.SliceOfN(rapid.Custom(drawGadget), 1, 8).Draw(rt, "rows")
		insert(t, db, tenant, rows...)
		insert(t, db, uuid.New(), rows...)
		for range 4 {
			terms := 20
			c := drawCondition(rt, 4, &terms)
			want := map[uuid.UUID]bool{}
			for _, row := range rows {
				if c.holds(row) {
					want[row.ID] = true
				}
			}
			found, _, err := gadgets.List(t.Context(), db, tenant, postgres.Query{Filter: c.text, ShowDeleted: true})
			if err != nil {
				rt.Fatalf("%s: %v", c.text, err)
			}
			got := map[uuid.UUID]bool{}
			for _, row := range found {
				got[row.ID] = true
			}
			for _, row := range rows {
				if got[row.ID] != want[row.ID] {
					rt.Fatalf("%s\n%+v\nfound %v, want %v", c.text, row, got[row.ID], want[row.ID])
				}
			}
			if len(got) != len(want) {
				rt.Fatalf("%s: found rows of another tenant", c.text)
			}
		}
	})
}

var (
	texts   = rapid.SampledFrom([]string{"", "a", "b", "B", "ab", "é", "日本", `it's "so" \`, "a\nb", "*", "a%_", "10", "9"})
	ids     = rapid.SampledFrom([]uuid.UUID{uuid.MustParse("0190a000-0000-7000-8000-0000000000aa"), uuid.MustParse("FFFFFFFF-0000-7000-8000-0000000000bb")})
	numbers = rapid.Int64Range(-2, 3)
	moments = rapid.Map(rapid.Int64Range(0, 3), func(n int64) time.Time { return epoch.Add(time.Duration(n) * time.Microsecond) })
	days    = rapid.Map(rapid.Int64Range(0, 3), func(n int64) time.Time { return time.Date(2026, 2, 26+int(n), 0, 0, 0, 0, time.UTC) })
	keys    = rapid.SampledFrom([]string{"tier", "a.b", "日本", "x y", "*"})
	jsons   = rapid.OneOf(
		rapid.Map(texts, func(s string) any { return s }),
		rapid.Map(numbers, func(n int64) any { return float64(n) / 2 }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.SampledFrom([]any{nil, []any{"a"}, map[string]any{"a": "b"}}),
	)
)

func drawGadget(rt *rapid.T) *gadget {
	return &gadget{
		Meta: entity.Meta{
			ID:           uuid.New(),
			CreateTime:   moments.Draw(rt, "create_time"),
			Owner:        texts.Draw(rt, "owner"),
			Labels:       rapid.MapOfN(keys, texts, 0, 2).Draw(rt, "labels"),
			CustomFields: rapid.MapOfN(keys, jsons, 0, 3).Draw(rt, "custom_fields"),
		},
		Title:    texts.Draw(rt, "title"),
		Stage:    stage(rapid.Int32Range(1, 3).Draw(rt, "stage")),
		Amount:   numbers.Draw(rt, "amount"),
		Pinned:   rapid.Bool().Draw(rt, "pinned"),
		Due:      rapid.Ptr(moments, true).Draw(rt, "due"),
		Day:      rapid.Ptr(days, true).Draw(rt, "day"),
		Contact:  ids.Draw(rt, "contact"),
		Parent:   rapid.Ptr(ids, true).Draw(rt, "parent"),
		Nickname: rapid.Ptr(texts, true).Draw(rt, "nickname"),
		Tags:     rapid.SliceOfN(texts, 0, 2).Draw(rt, "tags"),
		// external ids stand alone, so each row has its own.
		Options: map[string]any{},
	}
}

// drawCondition draws a tree, of at most so many terms.
func drawCondition(rt *rapid.T, depth int, terms *int) condition {
	kind := rapid.IntRange(0, 5).Draw(rt, "kind")
	if depth == 0 || *terms < 4 || kind < 2 {
		*terms--
		return drawTerm(rt)
	}
	if kind == 2 {
		inner := drawCondition(rt, depth-1, terms)
		not := rapid.SampledFrom([]string{"NOT ", "-", "NOT"}).Draw(rt, "not")
		return condition{not + "(" + inner.text + ")", func(g *gadget) bool { return !inner.holds(g) }}
	}
	a, b := drawCondition(rt, depth-1, terms), drawCondition(rt, depth-1, terms)
	space := rapid.SampledFrom([]string{" ", "  ", "\n"}).Draw(rt, "space")
	if kind == 3 {
		return condition{"(" + a.text + space + "AND" + space + b.text + ")", func(g *gadget) bool { return a.holds(g) && b.holds(g) }}
	}
	return condition{"( " + a.text + space + "OR" + space + b.text + ")", func(g *gadget) bool { return a.holds(g) || b.holds(g) }}
}

func drawTerm(rt *rapid.T) condition {
	switch rapid.IntRange(0, 11).Draw(rt, "term") {
	case 0:
		return compared(rt, "title", texts, writeText, strings.Compare, func(g *gadget) *string { return &g.Title })
	case 1:
		return compared(rt, "nickname", texts, writeText, strings.Compare, func(g *gadget) *string { return g.Nickname })
	case 2:
		return compared(rt, "amount", numbers, writeAny, cmp.Compare[int64], func(g *gadget) *int64 { return &g.Amount })
	case 3:
		return compared(rt, "create_time", moments, writeTime, time.Time.Compare, func(g *gadget) *time.Time { return &g.CreateTime })
	case 4:
		return compared(rt, "due_time", moments, writeTime, time.Time.Compare, func(g *gadget) *time.Time { return g.Due })
	case 5:
		return compared(rt, "day", days, writeDay, time.Time.Compare, func(g *gadget) *time.Time { return g.Day })
	case 6:
		return drawEquality(rt, "parent", ids, writeID, func(g *gadget) *uuid.UUID { return g.Parent })
	case 7:
		return drawEquality(rt, "stage", rapid.Int32Range(1, 3), writeStage, func(g *gadget) *int32 { s := int32(g.Stage); return &s })
	case 8:
		return drawBool(rt)
	case 9:
		return drawTag(rt)
	case 10:
		return drawLabel(rt)
	default:
		return drawCustomField(rt)
	}
}

// compared draws a comparison in order, or the question for presence. A field
// without a value equals nothing, and has no order.
func compared[V any](rt *rapid.T, path string, values *rapid.Generator[V], write func(*rapid.T, V) string, order func(a, b V) int, get func(*gadget) *V) condition {
	value := values.Draw(rt, path)
	op := rapid.SampledFrom([]string{"=", "!=", "<", "<=", ">", ">=", ":"}).Draw(rt, "op")
	if op == ":" {
		return condition{path + ":*", func(g *gadget) bool { return get(g) != nil }}
	}
	space := rapid.SampledFrom([]string{"", " "}).Draw(rt, "space")
	return condition{path + space + op + space + write(rt, value), func(g *gadget) bool {
		field := get(g)
		if field == nil {
			return op == "!="
		}
		return inOrder(op, order(*field, value))
	}}
}

func inOrder(op string, c int) bool {
	switch op {
	case "=":
		return c == 0
	case "!=":
		return c != 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	default:
		return c >= 0
	}
}

func drawEquality[V comparable](rt *rapid.T, path string, values *rapid.Generator[V], write func(*rapid.T, V) string, get func(*gadget) *V) condition {
	value := values.Draw(rt, path)
	if rapid.Bool().Draw(rt, "equal") {
		return condition{path + " = " + write(rt, value), func(g *gadget) bool { v := get(g); return v != nil && *v == value }}
	}
	return condition{path + " != " + write(rt, value), func(g *gadget) bool { v := get(g); return v == nil || *v != value }}
}

func drawBool(rt *rapid.T) condition {
	return rapid.SampledFrom([]condition{
		{"pinned", func(g *gadget) bool { return g.Pinned }},
		{"-pinned", func(g *gadget) bool { return !g.Pinned }},
		{"NOT pinned", func(g *gadget) bool { return !g.Pinned }},
		{"pinned = true", func(g *gadget) bool { return g.Pinned }},
		{"pinned=false", func(g *gadget) bool { return !g.Pinned }},
		{"pinned != false", func(g *gadget) bool { return g.Pinned }},
	}).Draw(rt, "pinned")
}

func drawTag(rt *rapid.T) condition {
	if rapid.IntRange(0, 3).Draw(rt, "any") == 0 {
		return condition{"tags:*", func(g *gadget) bool { return len(g.Tags) > 0 }}
	}
	tag := texts.Draw(rt, "tag")
	return condition{"tags:" + quoted(tag), func(g *gadget) bool { return slices.Contains(g.Tags, tag) }}
}

func drawLabel(rt *rapid.T) condition {
	key, value := keys.Draw(rt, "key"), texts.Draw(rt, "value")
	path := "labels." + quoted(key)
	equal := func(g *gadget) bool { v, ok := g.Labels[key]; return ok && v == value }
	present := func(g *gadget) bool { _, ok := g.Labels[key]; return ok }
	return rapid.SampledFrom([]condition{
		{path + " = " + quoted(value), equal},
		{path + ":" + quoted(value), equal},
		{path + " != " + quoted(value), func(g *gadget) bool { return !equal(g) }},
		{path + ":*", present},
		{"labels:" + quoted(key), present},
		{"labels:*", func(g *gadget) bool { return len(g.Labels) > 0 }},
	}).Draw(rt, "label")
}

func drawCustomField(rt *rapid.T) condition {
	key := keys.Draw(rt, "key")
	path := "custom_fields." + quoted(key)
	op := rapid.SampledFrom([]string{"=", "!=", "<", "<=", ">", ">=", ":*"}).Draw(rt, "op")
	if op == ":*" {
		return condition{path + op, func(g *gadget) bool { _, ok := g.CustomFields[key]; return ok }}
	}
	switch rapid.IntRange(0, 2).Draw(rt, "type") {
	case 0:
		value := texts.Draw(rt, "text")
		return condition{path + op + quoted(value), func(g *gadget) bool {
			v, ok := g.CustomFields[key].(string)
			return ok && inOrder(op, strings.Compare(v, value)) || !ok && op == "!="
		}}
	case 1:
		value := float64(numbers.Draw(rt, "number")) / 2
		return condition{fmt.Sprintf("%s %s %g", path, op, value), func(g *gadget) bool {
			v, ok := g.CustomFields[key].(float64)
			return ok && inOrder(op, cmp.Compare(v, value)) || !ok && op == "!="
		}}
	default:
		value := rapid.Bool().Draw(rt, "bool")
		if op != "=" {
			op = "!="
		}
		return condition{fmt.Sprintf("%s %s %t", path, op, value), func(g *gadget) bool {
			v, ok := g.CustomFields[key].(bool)
			return (ok && v == value) == (op == "=")
		}}
	}
}

func writeText(_ *rapid.T, s string) string { return quoted(s) }

func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

func writeAny[V any](_ *rapid.T, v V) string { return fmt.Sprint(v) }

func writeTime(rt *rapid.T, v time.Time) string {
	zone := time.FixedZone("", rapid.SampledFrom([]int{0, 7 * 3600, -90 * 60}).Draw(rt, "zone"))
	text := v.In(zone).Format(time.RFC3339Nano)
	if rapid.Bool().Draw(rt, "quoted") {
		return quoted(text)
	}
	return text
}

func writeDay(_ *rapid.T, v time.Time) string { return v.Format(time.DateOnly) }

func writeID(rt *rapid.T, id uuid.UUID) string {
	return rapid.SampledFrom([]string{id.String(), quoted("gadgets/" + id.String()), quoted(strings.ToUpper(id.String()))}).Draw(rt, "form")
}

func writeStage(_ *rapid.T, n int32) string {
	for name, value := range stages {
		if value == n {
			return name
		}
	}
	return ""
}
