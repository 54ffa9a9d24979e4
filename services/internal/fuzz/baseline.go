package fuzz

import (
	"context"
	"hash/fnv"
	"net/http"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const (
	// searched is how many requests are made to find one that a service takes, and denied
	// how many where only the right to it is missing: chance gives away roles that nobody
	// may give.
	searched = 60
	denied   = 400
)

// Baselines finds for each RPC a request that the service takes, to be changed in one
// place by a test. It is safe for concurrent use.
type Baselines struct {
	conn grpc.ClientConnInterface
	pool *Pool

	mu sync.Mutex
	of map[string]*baseline
}

// baseline is what was found for one RPC.
type baseline struct {
	once    sync.Once
	request proto.Message
	unfit   bool

	// mu guards the generator.
	mu   sync.Mutex
	make *Generator
}

// NewBaselines finds requests about what the pool knows, as whoever calls over conn.
func NewBaselines(conn grpc.ClientConnInterface, pool *Pool) *Baselines {
	return &Baselines{conn: conn, pool: pool, of: map[string]*baseline{}}
}

// Of answers a request of the method that breaks no rule, the same each time: one that
// the service takes, where such a one was found without a change.
func (b *Baselines) Of(ctx context.Context, m Method) proto.Message {
	return proto.Clone(b.found(ctx, m).request)
}

// Unfit says whether no request of the method was found that the service takes.
func (b *Baselines) Unfit(ctx context.Context, m Method) bool { return b.found(ctx, m).unfit }

// Another answers a request as Of does, found anew.
func (b *Baselines) Another(ctx context.Context, m Method) proto.Message {
	of := b.entry(m)
	of.mu.Lock()
	defer of.mu.Unlock()
	request, _ := b.find(ctx, m, of.make)
	return request
}

func (b *Baselines) found(ctx context.Context, m Method) *baseline {
	of := b.entry(m)
	of.once.Do(func() {
		of.mu.Lock()
		defer of.mu.Unlock()
		of.request, of.unfit = b.find(ctx, m, of.make)
	})
	return of
}

// entry answers the place of a method, with a generator that makes the same choices
// whatever is asked for before.
func (b *Baselines) entry(m Method) *baseline {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.of[m.Full] == nil {
		seed := fnv.New64a()
		_, _ = seed.Write([]byte(m.Full)) // it never fails
		b.of[m.Full] = &baseline{make: NewGenerator(seed.Sum64(), b.pool.Clone())}
	}
	return b.of[m.Full]
}

func (b *Baselines) find(ctx context.Context, m Method, make *Generator) (request proto.Message, unfit bool) {
	for n, most := 0, searched; n < most; n++ {
		request = plain(make.Request(m), m)
		checks := request.ProtoReflect().Descriptor().Fields().ByName("validate_only")
		if checks == nil && !m.Reads() {
			break
		}
		tried := proto.Clone(request)
		if checks != nil {
			tried.ProtoReflect().Set(checks, protoreflect.ValueOfBool(true))
		}
		switch CallGRPC(ctx, b.conn, m, Wire(tried)).Status.Code() {
		case codes.OK:
			return request, false
		case codes.PermissionDenied:
			most = denied
		}
	}
	return request, true
}

// Reach makes sure that there is a message that holds the last field of a path of a
// request, and answers it: the first element where the way leads through a list.
func (b *Baselines) Reach(m Method, request proto.Message, path []protoreflect.FieldDescriptor) protoreflect.Message {
	of := b.entry(m)
	of.mu.Lock()
	defer of.mu.Unlock()
	in, at := request.ProtoReflect(), ""
	for _, f := range path[:len(path)-1] {
		at += string(f.Name()) + "."
		if f.IsList() {
			list := in.Mutable(f).List()
			if list.Len() == 0 {
				e := list.NewElement()
				of.make.Fill(m, e.Message(), at)
				list.Append(e)
			}
			in = list.Get(0).Message()
			continue
		}
		if !in.Has(f) {
			of.make.Fill(m, in.Mutable(f).Message(), at)
		}
		in = in.Get(f).Message()
	}
	return in
}

// plain clears what makes a request a special one.
func plain(request proto.Message, m Method) proto.Message {
	in := request.ProtoReflect()
	Clear(in, "request_id", "update_mask", "read_mask", "etag", "validate_only", "page_token", "allow_missing")
	if resource := m.Resource(); resource != nil && in.Has(resource) {
		Clear(in.Get(resource).Message(), "etag")
	}
	in.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Message() == nil || f.IsList() || f.IsMap() {
			return true
		}
		// Chance may repeat one, which is refused before anything else.
		if ids := f.Message().Fields().ByName("identifiers"); ids != nil && ids.IsList() && v.Message().Get(ids).List().Len() > 1 {
			v.Message().Mutable(ids).List().Truncate(1)
		}
		return true
	})
	return request
}

// Clear clears those of the fields that the message has.
func Clear(m protoreflect.Message, names ...protoreflect.Name) {
	for _, name := range names {
		if f := m.Descriptor().Fields().ByName(name); f != nil {
			m.Clear(f)
		}
	}
}

// Reads says whether the method is a GET over HTTP.
func (m Method) Reads() bool {
	return len(m.Bindings) > 0 && m.Bindings[0].Verb == http.MethodGet
}
