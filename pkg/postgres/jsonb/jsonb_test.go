package jsonb_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"
	"unsafe"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/postgres/jsonb"
)

type kind int16

type entry struct {
	Kind    kind           `json:"kind"`
	Value   string         `json:"value"`
	Primary bool           `json:"primary,omitempty"`
	Score   float64        `json:"score,omitempty"`
	Start   time.Time      `json:"start"`
	End     *time.Time     `json:"end,omitempty"`
	Owner   uuid.UUID      `json:"owner"`
	Flags   []string       `json:"flags,omitempty"`
	Details map[string]any `json:"details,omitempty"`
	Secret  string         `json:"-"`
	Named   int64
}

type tree struct {
	Name  string  `json:"name"`
	Trees []*tree `json:"trees"`
}

// targets are the kinds of types that columns have, and those that only
// encoding/json can read.
var targets = []reflect.Type{
	reflect.TypeFor[[]entry](), reflect.TypeFor[*entry](), reflect.TypeFor[map[string]string](), reflect.TypeFor[map[string]any](),
	reflect.TypeFor[[]string](), reflect.TypeFor[[]uuid.UUID](), reflect.TypeFor[any](), reflect.TypeFor[[]int8](),
	reflect.TypeFor[tree](), reflect.TypeFor[map[string]int](), reflect.TypeFor[[]byte](), reflect.TypeFor[struct{ entry }](),
	reflect.TypeFor[struct {
		N int `json:"n,string"`
	}](),
}

var texts = []string{
	`[{"end": "2026-01-02T03:04:05Z", "kind": 7, "flags": ["a", "b\"c", "\u00e9"], "Named": -5, "owner": "01890a5d-ac96-774b-bcce-b302099a8057",
	   "score": 1.5, "start": "2026-01-01T00:00:00.123456+07:00", "value": "Siti é", "details": {"n": 1, "l": [1, null, true, {"x": "y"}], "e": {}}, "primary": true}]`,
	`{"kind": 1, "value": "x"}`, `{"KIND": 3}`, `{"unknown": {"deep": [1, "]", {"}": 2}]}, "value": "kept"}`,
	`[]`, `{}`, `null`, `[null]`, `{"value": null}`, `{"kind": 70000}`, `{"kind": 1.5}`, `{"kind": "1"}`, `{"a": "b", "c\"d": "e"}`,
	`{"a": 1, "b": null, "c": [[]], "d": 1e400}`, `[1, -2, 127]`, `[128]`, `["01890a5d-ac96-774b-bcce-b302099a8057"]`, `["no"]`,
	`{"name": "a", "trees": [{"name": "b", "trees": []}]}`, `{"n": "5"}`, `"aGVsbG8="`, `"x"`, `true`, `3`, `{"start": "never"}`,
	`{"value": "\ud83d\ude00"}`, " { \"a\" :\t\"b\" } ", `{"flags": "one"}`, `{"-": "x", "Secret": "y"}`,
}

// same compares with what encoding/json reads into each of the types.
func same(t *testing.T, text []byte) {
	t.Helper()
	for _, typ := range targets {
		want, got := reflect.New(typ), reflect.New(typ)
		wantErr := json.Unmarshal(text, want.Interface())
		gotErr := jsonb.NewDecoder(typ).Decode(text, got.UnsafePointer())
		if (wantErr == nil) != (gotErr == nil) || wantErr == nil && !reflect.DeepEqual(got.Interface(), want.Interface()) {
			t.Errorf("%s into %s: %+v, %v; want %+v, %v", text, typ, got.Elem(), gotErr, want.Elem(), wantErr)
		}
	}
}

func TestDecode_asEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, text := range texts {
		same(t, []byte(text))
	}
}

func FuzzDecode(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if json.Valid(text) && singular(text) {
			same(t, text)
		}
	})
}

// singular says whether no object has a name twice, as none in a jsonb has.
func singular(text []byte) bool {
	d := json.NewDecoder(bytes.NewReader(text))
	var walk func() bool
	walk = func() bool {
		token, err := d.Token()
		if err != nil {
			return false
		}
		names := map[any]bool{}
		switch token {
		case json.Delim('{'):
			for d.More() {
				name, err := d.Token()
				if err != nil || names[name] {
					return false
				}
				names[name] = true
				if !walk() {
					return false
				}
			}
		case json.Delim('['):
			for d.More() {
				if !walk() {
					return false
				}
			}
		default:
			return true
		}
		_, err = d.Token()
		return err == nil
	}
	return walk()
}

func TestDecode_overwrites(t *testing.T) {
	t.Parallel()
	m := map[string]string{"old": "x"}
	if err := jsonb.NewDecoder(reflect.TypeOf(m)).Decode([]byte(`{"new": "y"}`), unsafe.Pointer(&m)); err != nil || len(m) != 1 || m["new"] != "y" {
		t.Errorf("%v, %v", m, err)
	}
}

func BenchmarkDecode(b *testing.B) {
	text := []byte(`[{"kind": 1, "value": "siti@example.com"}, {"kind": 2, "value": "+628120000001", "primary": true}, {"kind": 3, "value": "4711-99"}]`)
	var list []entry
	b.Run("compiled", func(b *testing.B) {
		d := jsonb.NewDecoder(reflect.TypeOf(list))
		b.ReportAllocs()
		for b.Loop() {
			if err := d.Decode(text, unsafe.Pointer(&list)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			list = nil
			if err := json.Unmarshal(text, &list); err != nil {
				b.Fatal(err)
			}
		}
	})
}
