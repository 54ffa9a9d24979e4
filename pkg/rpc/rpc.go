// Package rpc is the gRPC server and client that every process of Lingkar uses,
// so that each call is treated alike.
//
// The order on the server: recover and word errors; bound the time; authenticate;
// look the process up among the callers and the method in the policy; bound the
// load; refuse what cannot be decoded;
// refuse text, numbers and times that no store takes; apply the rules of the
// contract; note what the call carries; run it; prune the answer by read_mask.
// So nothing about the input is told to a caller who may not make the call.
//
// No input makes INTERNAL or ends the process: UnmappedErrors and Panics count
// what came close, and a test demands zero. Sizes: 1 MiB in, 8 MiB out.
package rpc

import "sync/atomic"

const (
	// MaxRequest is the largest message taken, in bytes.
	MaxRequest = 1 << 20
	// MaxResponse is the largest message given, in bytes.
	MaxResponse = 8 << 20
	// maxRead is what the transport takes before it hangs up. What lies between
	// MaxRequest and this is refused with a reason.
	maxRead = 8 << 20
	// streamWindow is how much of one call may be on its way, connWindow how much of
	// all calls on a connection. They are fixed: where gRPC makes them grow, each
	// message is followed by a ping and its answer that measure the way, which doubled
	// the writes to the network of a read through the gateway.
	streamWindow = 1 << 20
	connWindow   = 8 << 20
)

var unmapped, panics atomic.Int64

// UnmappedErrors answers how many errors of this process reached a caller as
// "internal error" because nobody had given them a code.
func UnmappedErrors() int64 { return unmapped.Load() }

// Panics answers how many calls of this process panicked.
func Panics() int64 { return panics.Load() }
