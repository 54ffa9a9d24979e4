package broker

import (
	"bytes"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// NewSeed answers the secret half of a new nkey, and the public one.
func NewSeed() (seed []byte, public string, err error) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		return nil, "", fmt.Errorf("broker: %w", err)
	}
	if seed, err = pair.Seed(); err != nil {
		return nil, "", fmt.Errorf("broker: %w", err)
	}
	public, err = pair.PublicKey()
	return seed, public, err
}

// PublicKey answers the public half of a seed.
func PublicKey(seed []byte) (string, error) {
	pair, err := nkeys.FromSeed(bytes.TrimSpace(seed))
	if err != nil {
		return "", fmt.Errorf("broker: read the seed: %w", err)
	}
	return pair.PublicKey()
}

// As answers the options to connect as the user of that name. Without a seed they
// are for a broker that asks for none. Such a connection is never given up: a
// broker that is away is waited for, and events are safe in the log meanwhile.
func As(name string, seed []byte) ([]nats.Option, error) {
	options := []nats.Option{
		nats.Name(name), nats.CustomInboxPrefix(Inbox(name)), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true),
		nats.ReconnectWait(500 * time.Millisecond), nats.ReconnectJitter(200*time.Millisecond, time.Second),
	}
	if len(seed) == 0 {
		return options, nil
	}
	pair, err := nkeys.FromSeed(bytes.TrimSpace(seed))
	if err != nil {
		return nil, fmt.Errorf("broker: read the seed of %s: %w", name, err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("broker: read the seed of %s: %w", name, err)
	}
	return append(options, nats.Nkey(public, pair.Sign)), nil
}
