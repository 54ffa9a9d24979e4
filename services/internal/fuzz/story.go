package fuzz

import (
	"context"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// longestStory is how many calls are made on one resource.
const longestStory = 12

// story makes a resource and calls what can be called on it, in any order: updates,
// verbs, deletion and restoration. A change that names a state the resource has
// left must not be made.
func (w *worker) story(ctx context.Context) {
	create := w.methods[w.g.Rand.IntN(len(w.methods))]
	for create.Resource() == nil || create.Standard("Update") {
		create = w.methods[w.g.Rand.IntN(len(w.methods))]
	}
	made := w.send(ctx, create, w.way(create), w.requests(create, ""))
	name, first := nameOf(made)
	if name == "" {
		return
	}
	verbs := w.on(name)
	for range w.g.Rand.IntN(longestStory) {
		if ctx.Err() != nil || len(verbs) == 0 {
			return
		}
		m := verbs[w.g.Rand.IntN(len(verbs))]
		requests := w.requests(m, name)
		stale := w.g.chance(0.2) && moved(made, first) && setEtag(requests[0], m, name, first)
		way := w.way(m)
		a := w.send(ctx, m, way, requests)
		if stale && a.Status != nil && a.Status.Code() == codes.OK && ctx.Err() == nil {
			w.collector.note(m, way, prototextOf(requests[0]), a, "a change was made by the etag of a state that has passed")
		}
		if now, etag := nameOf(a); now == name && etag != "" && !hypothetical(m, Wire(requests[0])) {
			made = a
		}
	}
}

// on answers the RPCs that take the name of such a resource in their path.
func (w *worker) on(name string) []Method {
	collection, _, _ := strings.Cut(name, "/")
	var verbs []Method
	for _, m := range w.methods {
		for _, pattern := range m.captured {
			if pattern == collection+"/*" {
				verbs = append(verbs, m)
			}
		}
	}
	return verbs
}

// nameOf answers the name and the etag of the resource that an answer is.
func nameOf(a Answer) (name, etag string) {
	if len(a.Messages) != 1 || a.Status.Code() != codes.OK {
		return "", ""
	}
	m := a.Messages[0].ProtoReflect()
	if len(ResourcePatterns(m.Descriptor())) == 0 {
		return "", ""
	}
	return textOf(m, "name"), textOf(m, "etag")
}

func textOf(m protoreflect.Message, field protoreflect.Name) string {
	f := m.Descriptor().Fields().ByName(field)
	if f == nil || f.Kind() != protoreflect.StringKind || f.IsList() {
		return ""
	}
	return m.Get(f).String()
}

// moved says whether the resource has changed since its first state.
func moved(now Answer, first string) bool {
	_, etag := nameOf(now)
	return first != "" && etag != "" && etag != first
}

// setEtag puts an etag into a request that changes the resource of that name; false
// where it cannot hold one, or changes nothing.
func setEtag(request proto.Message, m Method, name, etag string) bool {
	in := request.ProtoReflect()
	if f := in.Descriptor().Fields().ByName("validate_only"); f != nil {
		in.Clear(f)
	}
	if resource := m.Resource(); resource != nil && m.Standard("Update") {
		in = in.Mutable(resource).Message()
	}
	f := in.Descriptor().Fields().ByName("etag")
	if f == nil || f.Kind() != protoreflect.StringKind || textOf(in, "name") != name {
		return false
	}
	in.Set(f, protoreflect.ValueOfString(etag))
	return true
}
