package filter

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

var fields = NewFields("gadget", []Field{
	{Path: "name", Column: "id", Type: UUID},
	{Path: "title"},
	{Path: "amount", Type: Int},
	{Path: "price", Type: Decimal},
	{Path: "create_time", Type: Time},
	{Path: "day", Type: Date},
	{Path: "pinned", Type: Bool},
	{Path: "stage", Type: Enum, Values: map[string]int32{"OPEN": 2, "WON": 3}},
	{Path: "tags", Type: List},
	{Path: "labels", Type: Map},
	{Path: "external_ids", Type: IndexedMap},
	{Path: "custom_fields", Type: JSON},
	{Path: "price.units", Column: "price_units", Type: Int},
})

func compile(text string) (string, error) {
	args := []any{"tenant"}
	c, err := fields.Compile(text, &args)
	return fmt.Sprintf("%s %v", c.SQL, args[1:]), err
}

func TestCompile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                         ` []`,
		"  \n ":                    ` []`,
		`title = "x"`:              `t."title" = $2::text [x]`,
		`title=x`:                  `t."title" = $2::text [x]`,
		`title != 'a "b" \' \\ c'`: `t."title" IS DISTINCT FROM $2::text [a "b" ' \ c]`,
		`title = "' OR 1=1 --"`:    `t."title" = $2::text [' OR 1=1 --]`,
		`title = "日本"`:             `t."title" = $2::text [日本]`,
		`amount >= -5`:             `t."amount" >= $2::bigint [-5]`,
		`price.units < 7`:          `t."price_units" < $2::bigint [7]`,
		`price > 1.50`:             `t."price" > $2::numeric [1.50]`,
		`pinned`:                   `t."pinned" IS TRUE []`,
		`NOT pinned`:               `(t."pinned" IS TRUE) IS NOT TRUE []`,
		`-pinned`:                  `(t."pinned" IS TRUE) IS NOT TRUE []`,
		`pinned = false`:           `t."pinned" = $2::boolean [false]`,
		`stage = WON`:              `t."stage" = $2::integer [3]`,
		`stage != "OPEN"`:          `t."stage" IS DISTINCT FROM $2::integer [2]`,
		`day < 2026-02-28`:         `t."day" < $2::date [2026-02-28 00:00:00 +0000 UTC]`,
		`create_time > 2026-01-31T09:00:00+07:00`: `t."create_time" > $2::timestamptz [2026-01-31 09:00:00 +0700 +0700]`,
		`create_time:*`:                             `t."create_time" IS NOT NULL []`,
		`tags:"x"`:                                  `$2::text = ANY (t."tags") [x]`,
		`tags:*`:                                    `t."tags" <> '{}' []`,
		`labels.tier = "gold"`:                      `(t."labels" ->> $2::text) = $3::text [tier gold]`,
		`labels."a \"b.c" = "x"`:                    `(t."labels" ->> $2::text) = $3::text [a "b.c x]`,
		`labels:tier`:                               `(t."labels" ->> $2::text) IS NOT NULL [tier]`,
		`labels.tier:*`:                             `(t."labels" ->> $2::text) IS NOT NULL [tier]`,
		`labels."a.b":*`:                            `(t."labels" ->> $2::text) IS NOT NULL [a.b]`,
		`labels:*`:                                  `t."labels" <> '{}'::jsonb []`,
		`labels:"*"`:                                `(t."labels" ->> $2::text) IS NOT NULL [*]`,
		`external_ids.sap.prod = 1`:                 `t.id IN (SELECT e.id FROM map_entry e WHERE e.tenant = $1 AND e.source = $3::text AND e.key = $4::text AND e.value = $2::text) [1 gadget.external_ids sap.prod]`,
		`custom_fields.seats = 5`:                   `(t."custom_fields" -> $2::text) = $3::jsonb [seats 5]`,
		`custom_fields.seats = "5"`:                 `(t."custom_fields" -> $2::text) = $3::jsonb [seats "5"]`,
		`custom_fields.seats > 5`:                   `CASE WHEN jsonb_typeof((t."custom_fields" -> $2::text)) = 'number' THEN ((t."custom_fields" -> $2::text) #>> '{}')::numeric > $3::numeric END [seats 5]`,
		`amount = 1 AND amount = 2 OR amount = 3`:   `t."amount" = $2::bigint AND (t."amount" = $3::bigint OR t."amount" = $4::bigint) [1 2 3]`,
		`(amount = 1 AND amount = 2) OR amount = 3`: `((t."amount" = $2::bigint AND t."amount" = $3::bigint) OR t."amount" = $4::bigint) [1 2 3]`,
		`NOT (amount = 1)`:                          `(t."amount" = $2::bigint) IS NOT TRUE [1]`,
		`NOT(amount = 1)`:                           `(t."amount" = $2::bigint) IS NOT TRUE [1]`,
		`name = "gadgets/0190A000-0000-7000-8000-0000000000aa"`: `t."id" = $2::uuid [[1 144 160 0 0 0 112 0 128 0 0 0 0 0 0 170]]`,
	} {
		if got, err := compile(text); err != nil || got != want {
			t.Errorf("%s\n got %s, %v\nwant %s", text, got, err, want)
		}
	}
}

// B11: every mistake is one error with the column of the first bad position.
func TestCompile_refuses(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("(", n) + "pinned" + strings.Repeat(")", n) }
	many := func(n int) string { return "pinned" + strings.Repeat(" OR pinned", n-1) }
	if _, err := compile(deep(MaxDepth)); err != nil {
		t.Errorf("depth %d: %v", MaxDepth, err)
	}
	if _, err := compile(many(MaxTerms)); err != nil {
		t.Errorf("%d terms: %v", MaxTerms, err)
	}
	for text, column := range map[string]int{
		deep(MaxDepth + 1):                     MaxDepth + 1,
		deep(MaxBytes)[:MaxBytes]:              MaxDepth + 1,
		many(MaxTerms + 1):                     10*MaxTerms + 1,
		many(900)[:MaxBytes]:                   10*MaxTerms + 1,
		strings.Repeat("x", MaxBytes+1):        MaxBytes + 1,
		`' OR 1=1`:                             1,
		`title = "x"; DROP TABLE gadget`:       12,
		`title = "x" title = "y"`:              13,
		`title = "x" AND`:                      13,
		`title = "x" AND `:                     17,
		`title = "x" ANDpinned`:                13,
		`title =`:                              8,
		`title = `:                             9,
		`= "x"`:                                1,
		`title "x"`:                            7,
		`title = "x`:                           9,
		`title = "a\qb"`:                       11,
		`title = "a\`:                          11,
		`(pinned`:                              8,
		`pinned)`:                              7,
		`()`:                                   2,
		`NOT`:                                  1,
		`NOT NOT pinned`:                       5,
		`title`:                                1,
		`title:"x"`:                            1,
		`title = x AND secret = 1`:             15,
		`secret`:                               1,
		`tenant = "x"`:                         1,
		`t.title = "x"`:                        1,
		`title.x = 1`:                          1,
		`title."x" = 1`:                        1,
		`lower(title) = "x"`:                   6,
		`amount = "5"`:                         10,
		`amount = 5.0`:                         10,
		`amount = five`:                        10,
		`amount = 99999999999999999999`:        10,
		`amount = NaN`:                         10,
		`price = NaN`:                          9,
		`price = Infinity`:                     9,
		`price = 1e400`:                        9,
		`price = 0x10`:                         9,
		`pinned = 1`:                           10,
		`pinned = "true"`:                      10,
		`pinned > false`:                       1,
		`pinned:true`:                          1,
		`stage = LOST`:                         9,
		`stage = 2`:                            9,
		`stage > OPEN`:                         1,
		`create_time = 5`:                      15,
		`create_time = "2026-02-30T00:00:00Z"`: 15,
		`create_time = "2026-01-31"`:           15,
		`create_time = "0000-01-01T00:00:00Z"`: 15,
		`create_time = "9999-12-31T23:59:59-10:00"`:        15,
		`create_time = "300000-01-01T00:00:00Z"`:           15,
		`day = "2026-01-31T00:00:00Z"`:                     7,
		`name = "gadgets/1"`:                               8,
		`name = "../0190a000-0000-7000-8000-0000000000aa"`: 8,
		`name = "{0190a000-0000-7000-8000-0000000000aa}"`:  8,
		`name > "0190a000-0000-7000-8000-0000000000aa"`:    1,
		`tags = "x"`:             1,
		`tags`:                   1,
		`labels = "x"`:           1,
		`labels`:                 1,
		`labels. = "x"`:          1,
		`labels.tier > "x"`:      1,
		`labels.tier`:            1,
		`external_ids.erp < 5`:   1,
		`custom_fields.x = y`:    19,
		`custom_fields.x = NaN`:  19,
		`custom_fields.x = 01`:   19,
		`custom_fields.x > true`: 1,
		`custom_fields.x`:        1,
		"title = \"a\x00b\"":     11,
		"title = \"日\xff\"":      11,
		`日本 = "x"`:               1,
		`title = "日本" AND x = 1`: 18,
	} {
		_, err := compile(text)
		var mistake *Error
		if !errors.As(err, &mistake) || mistake.Column != column {
			t.Errorf("%.60q: %v, want column %d", text, err, column)
		}
	}
}

func TestCompile_notesWhatAnIndexMustServe(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                                     "[] [] false",
		`title = x AND amount > 5 AND pinned`:  "[title pinned] [amount] false",
		`title = x OR amount > 5`:              "[] [] true",
		`NOT title = x`:                        "[] [] true",
		`title = x AND amount != 5`:            "[title] [] true",
		`labels.x = y`:                         "[] [] true",
		`price = 5`:                            "[] [] true",
		`(title = x AND amount > 5)`:           "[title] [amount] false",
		`title = x AND (amount > 5 OR pinned)`: "[title] [] true",
	} {
		args := []any{"tenant"}
		c, err := fields.Compile(text, &args)
		if got := fmt.Sprint(c.Equal, c.Range, c.Other); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		`title = "x" AND (amount > 5 OR NOT pinned)`, `labels."a" = 'b'`, `' OR 1=1 --`, `((((((`, "\x00", `custom_fields.x >= -1.5`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		args := []any{"tenant"}
		c, err := fields.Compile(text, &args)
		if err != nil {
			var mistake *Error
			if !errors.As(err, &mistake) || mistake.Column < 1 || mistake.Column > utf8.RuneCountInString(text)+1 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		// Whatever the caller wrote is in args: the SQL has words of ours only.
		rest := c.SQL
		for _, own := range ours {
			rest = strings.ReplaceAll(rest, own, "")
		}
		if rest = strings.Trim(rest, " ()<>=!,.$:0123456789"); strings.ContainsAny(rest, `"';-\`) || strings.Count(c.SQL, "(") != strings.Count(c.SQL, ")") {
			t.Fatalf("%q became %s", text, c.SQL)
		}
	})
}

// ours are the parts of SQL that hold quotes, signs or words.
var ours = func() []string {
	parts := []string{"'{}'", "->>", "->", "'number'", "'string'", "'boolean'"}
	for _, field := range fields.byPath {
		parts = append(parts, Quote(field.Column))
	}
	return parts
}()

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		args := []any{"tenant"}
		if _, err := fields.Compile(`title = "users/1" AND (amount > 5 OR pinned)`, &args); err != nil {
			b.Fatal(err)
		}
	}
}
