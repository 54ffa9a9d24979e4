// Package audit seals the audit log of a service, so that nobody can change it
// unnoticed who does not also hold the service's signing key: once a second the entries
// that came since are put into a block per tenant. A block holds the root of the Merkle
// tree of its entries (RFC 6962, 2.1) and the hash of the block before, and is signed
// (Ed25519).
//
// It promises that Verify finds a sealed entry that was changed, removed, added or moved,
// a block that was changed or removed, and says which; and that a proof shows one entry
// to somebody who has only a block's signed hash. Several replicas may seal; a crash
// loses nothing, for a block and the marks on its entries are one transaction.
//
// Limits: what was changed before it was sealed, mostly within a second, is not found;
// nor that the newest blocks were removed with all their entries, unless a head that was
// kept elsewhere is given. Entries hold no personal value, so erasing a person leaves
// them as they are.
package audit

import (
	"crypto/sha256"
	"math/bits"
	"slices"
)

// Hash is a SHA-256.
type Hash = [sha256.Size]byte

// leafHash and nodeHash are those of RFC 6962, 2.1: told apart by their first byte, so
// that no node passes for a leaf.
func leafHash(entry Hash) Hash { return sha256.Sum256(append([]byte{0}, entry[:]...)) }

func nodeHash(left, right Hash) Hash {
	return sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
}

// Root answers the root of the tree of the entries, of which there is at least one.
func Root(entries []Hash) Hash {
	if len(entries) == 1 {
		return leafHash(entries[0])
	}
	k := split(len(entries))
	return nodeHash(Root(entries[:k]), Root(entries[k:]))
}

// Path answers what shows that the entry of an index is in the tree (RFC 6962, 2.1.1):
// the hashes beside its way to the root, from below.
func Path(entries []Hash, index int) []Hash {
	if len(entries) == 1 {
		return nil
	}
	k := split(len(entries))
	if index < k {
		return append(Path(entries[:k], index), Root(entries[k:]))
	}
	return append(Path(entries[k:], index-k), Root(entries[:k]))
}

// Included tells whether the path shows that the entry of an index is in the tree of so
// many entries that has the root (RFC 9162, 2.1.3.2).
func Included(root, entry Hash, index, entries int64, path []Hash) bool {
	if index < 0 || index >= entries {
		return false
	}
	hash := leafHash(entry)
	last := entries - 1
	for _, beside := range path {
		if last == 0 {
			return false
		}
		if index&1 == 1 || index == last {
			hash = nodeHash(beside, hash)
			for index&1 == 0 && index != 0 {
				index, last = index>>1, last>>1
			}
		} else {
			hash = nodeHash(hash, beside)
		}
		index, last = index>>1, last>>1
	}
	return last == 0 && hash == root
}

// split is the largest power of two below n, which is over 1.
func split(n int) int { return 1 << (bits.Len(uint(n-1)) - 1) }
