package server_test

import (
	"slices"
	"testing"

	_ "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1" // whose calls are read
	"github.com/lingkar-crm/lingkar/services/gateway/internal/server"
)

// CON-14: the moves of a contact are on the live stream for those who may get the contact,
// and for nobody else.
func TestReaders_ofLifecycles(t *testing.T) {
	t.Parallel()
	readers := server.Readers()
	if of := readers["lifecycles"]; len(of) == 0 || !slices.Equal(of, readers["contacts"]) {
		t.Errorf("lifecycles are read by %v, contacts by %v", of, readers["contacts"])
	}
}
