package postgres_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"
)

// Ids go there and back in every form that statements use: one, none, many, and
// as text.
func TestUUID_roundTrip(t *testing.T) {
	t.Parallel()
	db := openGadgets(t)
	ids := []uuid.UUID{uuid.New(), uuid.Nil, uuid.Max}
	var one, absent uuid.UUID
	var pointer, nobody *uuid.UUID
	var many []uuid.UUID
	var text string
	err := db.System.QueryRow(t.Context(), "SELECT $1::uuid, NULL::uuid, $1::uuid, $2::uuid, $3::uuid[], $4::text",
		ids[0], nobody, ids, ids[0]).Scan(&one, &absent, &pointer, &nobody, &many, &text)
	if err != nil {
		t.Fatal(err)
	}
	if one != ids[0] || absent != uuid.Nil || pointer == nil || *pointer != ids[0] || nobody != nil || !slices.Equal(many, ids) || text != ids[0].String() {
		t.Errorf("came back as %s, %s, %v, %v, %v, %q", one, absent, pointer, nobody, many, text)
	}
}
