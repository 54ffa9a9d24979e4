package lint

import (
	"regexp"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

const (
	fieldMask = "google.protobuf.FieldMask"
	empty     = "google.protobuf.Empty"
)

// method is one RPC with its primary HTTP rule.
type method struct {
	protoreflect.MethodDescriptor
	verb, path, body string
}

// service checks the methods of a service that is offered over HTTP. Those for
// our own processes have no HTTP rule and shapes of their own.
func (c *checker) service(s protoreflect.ServiceDescriptor) {
	for i := range s.Methods().Len() {
		m := s.Methods().Get(i)
		rule, _ := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
		if rule == nil {
			continue
		}
		verb, path := patternOf(rule)
		c.method(method{MethodDescriptor: m, verb: verb, path: path, body: rule.GetBody()})
	}
}

func patternOf(rule *annotations.HttpRule) (verb, path string) {
	switch p := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return "GET", p.Get
	case *annotations.HttpRule_Post:
		return "POST", p.Post
	case *annotations.HttpRule_Patch:
		return "PATCH", p.Patch
	case *annotations.HttpRule_Delete:
		return "DELETE", p.Delete
	}
	return "", ""
}

var verbs = regexp.MustCompile(`^(Get|List|Create|Update|Delete|Undelete)([A-Z].*)$`)

func (c *checker) method(m method) {
	c.expect(strings.HasPrefix(m.path, "/v1/"), m, "its path must begin with /v1/")
	name := string(m.Name())
	c.expect(string(m.Input().Name()) == name+"Request" || m.Input().ParentFile().Package() == "google.longrunning",
		m, "its request must be %sRequest", name)
	match := verbs.FindStringSubmatch(name)
	if match == nil || strings.Contains(m.path, ":") && match[1] != "Undelete" {
		c.custom(m)
		return
	}
	resource := c.resourceNamed(m, match[1], match[2])
	if resource == nil {
		c.custom(m)
		return
	}
	switch match[1] {
	case "Get":
		c.get(m, resource)
	case "List":
		c.list(m, resource)
	case "Create":
		c.create(m, resource)
	case "Update":
		c.update(m, resource)
	case "Delete":
		c.rest(m, "DELETE", "")
		c.named(m, resource)
		c.mutation(m, "etag")
		c.lived(resource, "delete_time")
		c.expect(m.Output() == resource || m.Output().FullName() == empty, m, "must answer the resource (AIP-164)")
	case "Undelete":
		c.rest(m, "POST", "*")
		c.expect(strings.HasSuffix(m.path, ":undelete"), m, "its path must end in :undelete (AIP-164)")
		c.named(m, resource)
		c.mutation(m, "etag")
		c.answers(m, resource)
	}
}

// resourceNamed finds the resource that a standard method is about.
func (c *checker) resourceNamed(m method, verb, noun string) protoreflect.MessageDescriptor {
	for _, r := range c.resources {
		if r.ParentFile().Package() != m.ParentFile().Package() {
			continue
		}
		plural := resourceOf(r).GetPlural()
		if verb == "List" && plural == lowerFirst(noun) || verb != "List" && string(r.Name()) == noun {
			return r
		}
	}
	return nil
}

func (c *checker) rest(m method, verb, body string) {
	c.expect(m.verb == verb, m, "must be %s, not %s", verb, m.verb)
	c.expect(m.body == body, m, "its body must be %q, not %q", body, m.body)
}

// named checks that the request names the resource, and that the path does.
func (c *checker) named(m method, resource protoreflect.MessageDescriptor) {
	f := c.has(m.Input(), "name", "string")
	if f == nil {
		return
	}
	c.expect(referenceOf(f).GetType() == resourceOf(resource).GetType(), f, "must refer to %s", resourceOf(resource).GetType())
	c.required(f)
	c.expect(strings.Contains(m.path, "{name="), m, "its path must hold {name=…}")
}

func (c *checker) required(f protoreflect.FieldDescriptor) {
	for _, b := range behaviours(f) {
		if b == annotations.FieldBehavior_REQUIRED {
			return
		}
	}
	c.expect(false, f, "must be REQUIRED")
}

func (c *checker) answers(m method, resource protoreflect.MessageDescriptor) {
	c.expect(m.Output() == resource, m, "must answer %s, not %s", resource.Name(), m.Output().Name())
}

func (c *checker) mutation(m method, more ...string) {
	for _, field := range append(more, "request_id") {
		c.has(m.Input(), field, "string")
	}
}

func (c *checker) get(m method, resource protoreflect.MessageDescriptor) {
	c.rest(m, "GET", "")
	c.named(m, resource)
	c.answers(m, resource)
	if patterns := resourceOf(resource).GetPattern(); len(patterns) > 0 && !singleton(patterns[0]) {
		c.has(m.Input(), "read_mask", fieldMask)
	}
}

func (c *checker) list(m method, resource protoreflect.MessageDescriptor) {
	c.rest(m, "GET", "")
	c.has(m.Input(), "page_size", "int32")
	c.has(m.Input(), "page_token", "string")
	if c.stored(m, resource) {
		c.has(m.Input(), "filter", "string")
		c.has(m.Input(), "order_by", "string")
	}
	if resource.Fields().ByName("delete_time") != nil && c.stored(m, resource) {
		c.has(m.Input(), "show_deleted", "bool")
	}
	c.has(m.Output(), "next_page_token", "string")
	c.has(m.Output(), snake(resourceOf(resource).GetPlural()), "repeated "+string(resource.FullName()))
}

// stored says whether callers create the resource; built-in ones are few, and
// listed without filters.
func (c *checker) stored(m method, resource protoreflect.MessageDescriptor) bool {
	methods := m.Parent().(protoreflect.ServiceDescriptor).Methods()
	return methods.ByName("Create"+resource.Name()) != nil
}

func (c *checker) create(m method, resource protoreflect.MessageDescriptor) {
	field := snake(string(resource.Name()))
	c.rest(m, "POST", field)
	if f := c.has(m.Input(), field, string(resource.FullName())); f != nil {
		c.required(f)
	}
	c.mutation(m, field+"_id")
	c.has(m.Input(), "validate_only", "bool")
	c.answers(m, resource)
	c.lived(resource, "create_time", "update_time", "etag")
}

func (c *checker) update(m method, resource protoreflect.MessageDescriptor) {
	field := snake(string(resource.Name()))
	c.rest(m, "PATCH", field)
	c.expect(strings.Contains(m.path, "{"+field+".name="), m, "its path must hold {%s.name=…}", field)
	if f := c.has(m.Input(), field, string(resource.FullName())); f != nil {
		c.required(f)
	}
	c.has(m.Input(), "update_mask", fieldMask)
	c.mutation(m)
	c.has(m.Input(), "validate_only", "bool")
	c.answers(m, resource)
}

var customVerb = regexp.MustCompile(`:[a-z][A-Za-z]*$`)

// custom checks a method that is none of the standard ones (AIP-136): reads of
// what is no resource, which have paths like one, and verbs. One that changes
// nothing either is a GET or says NO_SIDE_EFFECTS; one that says IDEMPOTENT needs
// no request_id, because its second run finds its work done.
func (c *checker) custom(m method) {
	c.expect(m.verb == "GET" || m.verb == "POST", m, "a custom method must be GET or POST, not %s (AIP-136)", m.verb)
	reads := m.verb == "GET" && (strings.HasPrefix(string(m.Name()), "Get") || strings.HasPrefix(string(m.Name()), "List"))
	c.expect(reads || customVerb.MatchString(m.path), m, "its path must end in a :verb (AIP-136)")
	options, _ := m.Options().(*descriptorpb.MethodOptions)
	level := options.GetIdempotencyLevel()
	if m.verb == "GET" || level == descriptorpb.MethodOptions_NO_SIDE_EFFECTS {
		return
	}
	c.rest(m, "POST", "*")
	if level != descriptorpb.MethodOptions_IDEMPOTENT {
		c.mutation(m)
	}
}
