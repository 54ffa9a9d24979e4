// Package revert takes back some of the changes of a resource, out of the states that
// it had: what those changes set becomes again what it was before, except where
// somebody else has changed it since.
//
// It promises that no later change of another is lost, also one that set the same
// value again, and that what others changed besides stays. A field is a field of the
// resource, one of a message within it, or the entry of a map or of an object
// ("labels.tier"). Of a list to which the changes only added, the elements count one
// by one; any other change of a list is a change of the whole list.
//
// Limits: only fields that a caller may write are taken back. In memory are two states
// and the values of the fields that changed, however many changes there were.
package revert

import (
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/offline"
	"github.com/lingkar-crm/lingkar/pkg/record"
)

// Author is whose a change was.
type Author int

// The authors of changes.
const (
	// Other is somebody whose changes stay.
	Other Author = iota
	// Mine are the changes to take back.
	Mine
	// Taker is who took some of Mine back already.
	Taker
)

// Fold reads the states of one resource in their order. The zero Fold has read none.
type Fold[P proto.Message] struct {
	// Fixed are fields that no caller writes and whose changes are to be told of all
	// the same, such as "status".
	Fixed []string

	begun   bool
	created bool
	// raw is the last state, state the same with nothing but what a caller writes.
	raw, state P
	// origin holds what the paths in mine were before.
	origin P
	mine   map[string]bool
	// added are the elements that mine brought into lists, by path.
	added map[string][]protoreflect.Value
	// lost are the paths that others changed since, fixed those of Fixed that mine
	// changed.
	lost, fixed map[string]bool
	// acted is set by the first change of Mine, or of the Taker.
	acted bool
}

// Add reads the next state, and whose change led to it. The first state is the one
// before the changes, unless the resource begins with it.
func (f *Fold[P]) Add(state P, by Author, first bool) error {
	stripped, err := record.Overlay(empty(state), state, &fieldmaskpb.FieldMask{Paths: []string{"*"}})
	if err != nil {
		return err
	}
	if !f.begun {
		f.begun, f.created = true, first && by == Mine
		f.origin = empty(state)
		f.mine, f.added, f.lost, f.fixed = map[string]bool{}, map[string][]protoreflect.Value{}, map[string]bool{}, map[string]bool{}
		f.raw, f.state = state, stripped
		return nil
	}
	f.acted = f.acted || by != Other
	switch by {
	case Mine:
		err = f.own(state, stripped)
	case Taker:
		clear(f.mine)
		clear(f.added)
	case Other:
		f.others(stripped)
	}
	f.raw, f.state = state, stripped
	return err
}

// Begun tells whether any state was read.
func (f *Fold[P]) Begun() bool { return f.begun }

// Created tells whether the resource came about by what is to be taken back.
func (f *Fold[P]) Created() bool { return f.created }

// Touched tells whether there is, or was, anything to take back.
func (f *Fold[P]) Touched() bool { return f.acted }

// own notes what a change of mine set, and what it was before.
func (f *Fold[P]) own(raw, state P) error {
	for _, name := range f.Fixed {
		if fd := raw.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(name)); !raw.ProtoReflect().Get(fd).Equal(f.raw.ProtoReflect().Get(fd)) {
			f.fixed[name] = true
		}
	}
	for _, path := range offline.Differ(f.state, state) {
		delete(f.lost, path)
		if f.mine[path] {
			continue
		}
		before := f.state
		if is, ok := listAt(state, path); ok {
			was, _ := listAt(f.state, path)
			if extra, only := additions(was, is); only {
				f.added[path] = append(f.added[path], extra...)
				continue
			}
			before = proto.CloneOf(f.state)
			remove(before, path, f.added[path])
			delete(f.added, path)
		}
		made, err := record.Overlay(f.origin, before, &fieldmaskpb.FieldMask{Paths: []string{path}})
		if err != nil {
			return err
		}
		f.origin, f.mine[path] = made, true
	}
	return nil
}

// others forgets what somebody else has changed since.
func (f *Fold[P]) others(state P) {
	for _, path := range offline.Differ(f.state, state) {
		if f.mine[path] {
			delete(f.mine, path)
			f.lost[path] = true
		}
		if of := f.added[path]; len(of) > 0 {
			is, _ := listAt(state, path)
			f.added[path] = among(of, is)
			if len(f.added[path]) < len(of) {
				f.lost[path] = true
			}
			if len(f.added[path]) == 0 {
				delete(f.added, path)
			}
		}
	}
}

// Apply answers what the resource is to be, of which now is the last state.
func (f *Fold[P]) Apply(now P) (P, error) {
	wanted := proto.CloneOf(now)
	if len(f.mine) > 0 {
		var err error
		if wanted, err = record.Overlay(now, f.origin, &fieldmaskpb.FieldMask{Paths: slices.Sorted(maps.Keys(f.mine))}); err != nil {
			return wanted, err
		}
	}
	for path, elements := range f.added {
		remove(wanted, path, elements)
	}
	return wanted, nil
}

// Fields answers the fields of the resource that Apply gives back.
func (f *Fold[P]) Fields() []string {
	return fields(slices.AppendSeq(slices.Collect(maps.Keys(f.mine)), maps.Keys(f.added)))
}

// Leave takes a field out of what Apply gives back, and tells whether it was in it.
func (f *Fold[P]) Leave(field string) bool {
	before := len(f.mine) + len(f.added)
	of := func(path string) bool { return path == field || strings.HasPrefix(path, field+".") }
	maps.DeleteFunc(f.mine, func(path string, _ bool) bool { return of(path) })
	maps.DeleteFunc(f.added, func(path string, _ []protoreflect.Value) bool { return of(path) })
	return len(f.mine)+len(f.added) < before
}

// Lost answers the fields that others have changed since.
func (f *Fold[P]) Lost() []string { return fields(slices.Collect(maps.Keys(f.lost))) }

// Stuck answers those of Fixed that the changes moved.
func (f *Fold[P]) Stuck() []string { return slices.Sorted(maps.Keys(f.fixed)) }

func fields(paths []string) []string {
	for i, path := range paths {
		paths[i], _, _ = strings.Cut(path, ".")
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

func empty[P proto.Message](of P) P { return of.ProtoReflect().New().Interface().(P) }
