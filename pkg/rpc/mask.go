package rpc

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// maxMaskPaths is how many paths a read_mask may have.
const maxMaskPaths = 100

// maskUnary prunes the answer to what the request's read_mask asks for (AIP-157):
// the resource, or each resource of a list. A path that the resource does not
// have is refused before the handler runs.
func (s *Server) maskUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	mask := readMask(req)
	if len(mask.GetPaths()) == 0 {
		return next(ctx, req)
	}
	answer := call.AnswerOf(info.FullMethod)
	if answer == nil {
		return next(ctx, req)
	}
	list, resource := resourceOf(answer)
	wanted, err := parseMask(mask.GetPaths(), resource)
	if err != nil {
		return nil, err
	}
	resp, err := next(ctx, req)
	if m, ok := resp.(proto.Message); err == nil && ok {
		wanted.prune(m.ProtoReflect(), list)
	}
	return resp, err
}

func readMask(req any) *fieldmaskpb.FieldMask {
	m, ok := req.(proto.Message)
	if !ok {
		return nil
	}
	f := carriersIn(m.ProtoReflect().Descriptor()).readMask
	if f == nil || !m.ProtoReflect().Has(f) {
		return nil
	}
	mask, _ := m.ProtoReflect().Get(f).Message().Interface().(*fieldmaskpb.FieldMask)
	return mask
}

// resourceOf answers what a mask speaks of: the answer itself where it is a
// resource, which it is by its name; else the resources that a list, a search or a
// batch answers, and the field that holds them.
func resourceOf(answer protoreflect.MessageDescriptor) (list protoreflect.FieldDescriptor, resource protoreflect.MessageDescriptor) {
	if answer.Fields().ByName("name") != nil {
		return nil, answer
	}
	for i := range answer.Fields().Len() {
		if f := answer.Fields().Get(i); f.IsList() && f.Message() != nil {
			return f, f.Message()
		}
	}
	return nil, answer
}

// maskTree is a read_mask as a tree. A nil tree keeps everything below it.
type maskTree map[protoreflect.Name]maskTree

func parseMask(paths []string, resource protoreflect.MessageDescriptor) (maskTree, error) {
	if len(paths) > maxMaskPaths {
		return nil, errs.Invalid("read_mask", "", "a mask has at most 100 paths")
	}
	tree := maskTree{}
	for _, path := range paths {
		if path == "*" {
			return nil, nil
		}
		if !tree.add(strings.Split(path, "."), resource) {
			return nil, errs.Invalid("read_mask", "", "a path of the mask is not a field of the resource")
		}
	}
	return tree, nil
}

// add notes a path, and says whether there is such a field.
func (t maskTree) add(path []string, d protoreflect.MessageDescriptor) bool {
	f := d.Fields().ByName(protoreflect.Name(path[0]))
	if f == nil {
		return false
	}
	below, known := t[f.Name()]
	if len(path) == 1 {
		t[f.Name()] = nil
		return true
	}
	if f.Message() == nil || f.IsMap() {
		return false
	}
	if known && below == nil { // all of it is wanted already
		return maskTree{}.add(path[1:], f.Message())
	}
	if below == nil {
		below = maskTree{}
		t[f.Name()] = below
	}
	return below.add(path[1:], f.Message())
}

// prune clears what is not wanted of the answer, or of each element of its list.
func (t maskTree) prune(m protoreflect.Message, list protoreflect.FieldDescriptor) {
	if t == nil {
		return
	}
	if list == nil {
		t.keep(m)
		return
	}
	for i, l := 0, m.Get(list).List(); i < l.Len(); i++ {
		t.keep(l.Get(i).Message())
	}
}

func (t maskTree) keep(m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		below, wanted := t[f.Name()]
		switch {
		case !wanted:
			m.Clear(f)
		case below == nil:
		case f.IsList():
			for i := range v.List().Len() {
				below.keep(v.List().Get(i).Message())
			}
		default:
			below.keep(v.Message())
		}
		return true
	})
}
