package broker

import (
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/lingkar-crm/lingkar/pkg/mesh"
)

// Ring is keys that live as long as this process: those of a broker that runs
// inside it, so that nothing secret need be kept.
type Ring struct {
	seeds map[string][]byte
	// Users are whose keys they are.
	Users []User
}

// NewRing makes a key for each service and for the operator.
func NewRing(m mesh.Mesh) (*Ring, error) {
	r := &Ring{seeds: map[string][]byte{}}
	var err error
	r.Users, err = Users(m, func(name string) (string, error) {
		seed, public, err := NewSeed()
		r.seeds[name] = seed
		return public, err
	})
	return r, err
}

// As answers the options to connect as the user of that name.
func (r *Ring) As(name string) ([]nats.Option, error) {
	seed, ok := r.seeds[name]
	if !ok {
		return nil, fmt.Errorf("broker: there is no user %q", name)
	}
	return As(name, seed)
}
