package audit

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// Block seals entries of a tenant's audit log.
type Block struct {
	Tenant uuid.UUID
	// Number is 1, 2, 3, … of each tenant.
	Number int64
	// Previous is the hash of the block before; zeros in the first.
	Previous Hash
	// Root is that of the entries, in the order of their positions.
	Root Hash
	// Entries is how many there are, First and Last their lowest and highest position.
	Entries, First, Last int64
	// SealTime is when it was made, to the microsecond.
	SealTime time.Time
	// Key is the id of the key that Signature was made with, over the format and Hash.
	Key       string
	Signature []byte
}

// format begins what is hashed, so that it is nothing else that somebody signs.
const format = "lingkar audit block 1\n"

// Hash is what the next block holds and the signature is of: SHA-256 of the format, the
// tenant, number, previous, root, entries, first, last and the seal time in microseconds
// since 1970, numbers as 8 bytes with the highest first.
func (b Block) Hash() Hash {
	raw := []byte(format)
	raw = append(raw, b.Tenant[:]...)
	number := func(n int64) { raw = binary.BigEndian.AppendUint64(raw, uint64(n)) }
	number(b.Number)
	raw = append(raw, b.Previous[:]...)
	raw = append(raw, b.Root[:]...)
	for _, n := range []int64{b.Entries, b.First, b.Last, b.SealTime.UnixMicro()} {
		number(n)
	}
	return sha256.Sum256(raw)
}

// message is what is signed: the format, then the hash.
func (b Block) message() []byte {
	hash := b.Hash()
	return append([]byte(format), hash[:]...)
}

// Signer signs blocks; an auth.Issuer is one.
type Signer interface {
	// Sign answers the signature of a message and the id of the key.
	Sign(message []byte) (key string, signature []byte)
}

// Keys are the public keys that blocks may be signed with, by their ids.
type Keys map[string]ed25519.PublicKey

// signed tells whether a block's signature is that of one of the keys.
func (k Keys) signed(b Block) bool {
	key, known := k[b.Key]
	return known && ed25519.Verify(key, b.message(), b.Signature)
}
