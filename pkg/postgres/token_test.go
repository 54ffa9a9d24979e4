package postgres

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

func newTestSeal(t testing.TB) *pageSeal {
	t.Helper()
	s, err := newPageSeal(bytes.Repeat([]byte{7}, 32), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPageSeal_keepsTheCursor(t *testing.T) {
	t.Parallel()
	s := newTestSeal(t)
	cursor := []any{"日本\"\\", int64(-1 << 63), int64(1<<63 - 1), nil, true, ""}
	token, err := s.seal(cursor, []byte("query"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.seal(cursor, []byte("query"))
	if err != nil || again == token {
		t.Errorf("two tokens are the same: %v", err)
	}
	got, err := s.open(token, []byte("query"))
	if err != nil || !reflect.DeepEqual(got, cursor) {
		t.Errorf("got %v, %v", got, err)
	}
}

// Whatever comes as a token holds what we sealed, or is one and the same error.
func FuzzPageSeal(f *testing.F) {
	s := newTestSeal(f)
	sealed := []any{"x", int64(5), nil}
	token, err := s.seal(sealed, []byte("query"))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{token, token[:10], "", "AQ", "%%%", token + "A"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cursor, err := s.open(text, []byte("query"))
		if err == nil && !reflect.DeepEqual(cursor, sealed) || err != nil && text == token {
			t.Fatalf("%q: %v, %v", text, cursor, err)
		}
		if err != nil && !errors.Is(err, errToken) {
			t.Fatalf("%q: %v", text, err)
		}
		if _, err := s.open(text, []byte("another query")); err == nil {
			t.Fatalf("%q opens another query", text)
		}
	})
}
