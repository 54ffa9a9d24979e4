package postgres_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
)

// Arrays of plain values arrive as pgx itself sends them, whatever they hold: none, one,
// many, NULL and the ends of their range.
func TestArrays_arriveAsSent(t *testing.T) {
	t.Parallel()
	db := openGadgets(t)
	id := uuid.MustParse("0198e2a0-0000-7000-8000-000000000001")
	at := time.Date(1999, 12, 31, 23, 59, 59, 999_999_999, time.FixedZone("", 7*3600))
	for _, c := range []struct {
		sql   string
		value any
		want  string
	}{
		{"text", []string{"", "a,\"b\"", "東京\n", "NULL"}, `["", "a,\"b\"", "東京\n", "NULL"]`},
		{"text", []string{}, "[]"},
		{"text", []string(nil), "null"},
		{"bytea", [][]byte{{}, {0, 255}, nil}, `["\\x", "\\x00ff", null]`},
		{"bytea", [][]byte(nil), "null"},
		{"jsonb", [][]byte{[]byte(`{"a": [1, null]}`), nil, []byte("[]")}, `[{"a": [1, null]}, null, []]`},
		{"jsonb", [][]byte{}, "[]"},
		{"uuid", []uuid.UUID{id, uuid.Nil}, `["0198e2a0-0000-7000-8000-000000000001", "00000000-0000-0000-0000-000000000000"]`},
		{"uuid", [][16]byte{id}, `["0198e2a0-0000-7000-8000-000000000001"]`},
		{"timestamptz", []time.Time{at, time.Unix(0, 0)}, `["1999-12-31T16:59:59.999999+00:00", "1970-01-01T00:00:00+00:00"]`},
		{"boolean", []bool{true, false}, "[true, false]"},
		{"smallint", []int16{-32768, 0, 32767}, "[-32768, 0, 32767]"},
		{"integer", []int32{-2147483648, 2147483647}, "[-2147483648, 2147483647]"},
		{"bigint", []int64{-9223372036854775808, 9223372036854775807}, "[-9223372036854775808, 9223372036854775807]"},
		{"bigint", []int32{7}, "[7]"},
		{"text", []any{"a", nil}, `["a", null]`},
		{"timestamptz", []*time.Time{nil}, "[null]"},
	} {
		t.Run(fmt.Sprintf("%s %T", c.sql, c.value), func(t *testing.T) {
			var got string
			if err := db.System.QueryRow(t.Context(), "SELECT COALESCE(to_jsonb($1::"+c.sql+"[]), 'null')::text", c.value).Scan(&got); err != nil || got != c.want {
				t.Errorf("%v arrived as %s (%v), want %s", c.value, got, err, c.want)
			}
		})
	}
}

// What was sent as an array comes back as it was.
func TestArrays_roundTrip(t *testing.T) {
	t.Parallel()
	db := openGadgets(t)
	texts, ids, times := []string{"", "x"}, []uuid.UUID{uuid.New()}, []time.Time{time.Unix(1, 5000).UTC()}
	var gotTexts []string
	var gotIDs []uuid.UUID
	var gotTimes []time.Time
	err := db.System.QueryRow(t.Context(), "SELECT $1::text[], $2::uuid[], $3::timestamptz[]", texts, ids, times).Scan(&gotTexts, &gotIDs, &gotTimes)
	if err != nil || !reflect.DeepEqual(gotTexts, texts) || !reflect.DeepEqual(gotIDs, ids) || !reflect.DeepEqual(gotTimes, times) {
		t.Errorf("came back as %q, %v, %v (%v)", gotTexts, gotIDs, gotTimes, err)
	}
}
