// Package httprule reads the google.api.http rules of RPCs: which HTTP method
// and path stand for a call, and where each field of its message travels.
//
// It promises to understand every template that grpc-gateway compiles from our
// own .proto files, and to write it the same way (Template.String equals
// runtime.Pattern.String). It does not route requests: that is grpc-gateway's.
package httprule

import (
	"fmt"
	"net/http"
	"strings"
	"sync"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Binding is one way to make an RPC over HTTP.
type Binding struct {
	// Verb is the HTTP method, such as "PATCH".
	Verb string
	// Path is the template of the URL's path.
	Path Template
	// Body is the field that travels as the body, "*" for all that are not in
	// the path, or empty where there is no body.
	Body string
}

// Of answers the bindings of a method, the primary one first; none where it is
// not offered over HTTP. It fails on a template that cannot be read.
func Of(method protoreflect.MethodDescriptor) ([]Binding, error) {
	rule, _ := proto.GetExtension(method.Options(), annotations.E_Http).(*annotations.HttpRule)
	if rule == nil {
		return nil, nil
	}
	var bindings []Binding
	for _, r := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
		verb, path := pattern(r)
		template, err := Parse(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", method.FullName(), err)
		}
		bindings = append(bindings, Binding{Verb: verb, Path: template, Body: r.GetBody()})
	}
	return bindings, nil
}

func pattern(r *annotations.HttpRule) (verb, path string) {
	switch p := r.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return http.MethodGet, p.Get
	case *annotations.HttpRule_Put:
		return http.MethodPut, p.Put
	case *annotations.HttpRule_Post:
		return http.MethodPost, p.Post
	case *annotations.HttpRule_Delete:
		return http.MethodDelete, p.Delete
	case *annotations.HttpRule_Patch:
		return http.MethodPatch, p.Patch
	case *annotations.HttpRule_Custom:
		return p.Custom.GetKind(), p.Custom.GetPath()
	}
	return "", ""
}

// Method finds an RPC among the linked descriptors by its full method, such as
// "/lingkar.contact.v1.ContactService/GetContact".
func Method(full string) (protoreflect.MethodDescriptor, error) {
	name := strings.Replace(strings.TrimPrefix(full, "/"), "/", ".", 1)
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", full, err)
	}
	method, ok := d.(protoreflect.MethodDescriptor)
	if !ok {
		return nil, fmt.Errorf("%s is no method", full)
	}
	return method, nil
}

// services says which services are offered over HTTP, by their descriptors.
var services sync.Map

// Offered says whether the service of a method is offered over HTTP: one without
// any rule is for our own processes.
func Offered(method protoreflect.MethodDescriptor) bool {
	if known, ok := services.Load(method.Parent()); ok {
		return known.(bool)
	}
	siblings := method.Parent().(protoreflect.ServiceDescriptor).Methods()
	offered := anyRule(siblings)
	services.Store(method.Parent(), offered)
	return offered
}

func anyRule(siblings protoreflect.MethodDescriptors) bool {
	for i := range siblings.Len() {
		if bindings, err := Of(siblings.Get(i)); err == nil && len(bindings) > 0 {
			return true
		}
	}
	return false
}

// FullMethod answers what a method is called in a gRPC request, such as
// "/lingkar.contact.v1.ContactService/GetContact".
func FullMethod(method protoreflect.MethodDescriptor) string {
	return "/" + string(method.Parent().FullName()) + "/" + string(method.Name())
}
