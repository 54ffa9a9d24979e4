package strictjson

import (
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// checker goes through a body and a message type side by side.
type checker struct {
	decoder    *json.Decoder
	violations []errs.Violation
}

func (c *checker) wrong(field, reason, description string) {
	c.violations = append(c.violations, errs.Violation{Field: field, Reason: reason, Description: description})
}

// message reads a value that must be an object with the fields of the message.
func (c *checker) message(path string, message protoreflect.MessageDescriptor) error {
	if leaf(message) {
		return c.leaf(path, func(raw json.RawMessage) string { return checkKnown(raw, message) })
	}
	return c.object(path, func(seen map[string]bool, key string) error {
		field := message.Fields().ByJSONName(key)
		if field == nil {
			field = message.Fields().ByTextName(key)
		}
		if field == nil {
			c.wrong(join(path, shorten(key)), Unknown, "there is no such field")
			return c.skip()
		}
		at := join(path, string(field.Name()))
		if seen[string(field.Name())] {
			c.wrong(at, Duplicate, "the field is given twice")
			return c.skip()
		}
		seen[string(field.Name())] = true
		if one := field.ContainingOneof(); one != nil && !one.IsSynthetic() {
			if key := "oneof " + string(one.Name()); seen[key] {
				c.wrong(at, Duplicate, "only one of these fields may be given: "+membersOf(one))
			} else {
				seen[key] = true
			}
		}
		return c.field(at, field)
	})
}

func membersOf(one protoreflect.OneofDescriptor) string {
	names := make([]string, one.Fields().Len())
	for i := range names {
		names[i] = string(one.Fields().Get(i).Name())
	}
	return strings.Join(names, ", ")
}

// object reads an object and hands each of its keys to do, which reads the value.
// Null stands for what is not there.
func (c *checker) object(path string, do func(seen map[string]bool, key string) error) error {
	token, err := c.decoder.Token()
	if err != nil {
		return err
	}
	if token != json.Delim('{') {
		if token != nil {
			c.wrong(path, "", "must be an object")
		}
		return c.rest(token)
	}
	seen := map[string]bool{}
	for c.decoder.More() {
		key, err := c.decoder.Token()
		if err != nil {
			return err
		}
		if err := do(seen, key.(string)); err != nil { // the decoder answers nothing else there
			return err
		}
	}
	_, err = c.decoder.Token()
	return err
}

// field reads the value of a field.
func (c *checker) field(path string, field protoreflect.FieldDescriptor) error {
	switch {
	case field.IsMap():
		return c.object(path, func(seen map[string]bool, key string) error {
			if seen[key] {
				c.wrong(path, Duplicate, "a key is given twice")
			}
			seen[key] = true
			return c.single(path, field.MapValue())
		})
	case field.IsList():
		return c.list(path, field)
	default:
		return c.single(path, field)
	}
}

func (c *checker) list(path string, field protoreflect.FieldDescriptor) error {
	token, err := c.decoder.Token()
	if err != nil {
		return err
	}
	if token != json.Delim('[') {
		if token != nil {
			c.wrong(path, "", "must be an array")
		}
		return c.rest(token)
	}
	for i := 0; c.decoder.More(); i++ {
		if err := c.single(fmt.Sprintf("%s[%d]", path, i), field); err != nil {
			return err
		}
	}
	_, err = c.decoder.Token()
	return err
}

// single reads one value of the field's type.
func (c *checker) single(path string, field protoreflect.FieldDescriptor) error {
	if field.Message() != nil {
		return c.message(path, field.Message())
	}
	return c.leaf(path, func(raw json.RawMessage) string { return checkScalar(raw, field) })
}

// leaf reads a whole value and notes what is wrong with it.
func (c *checker) leaf(path string, check func(json.RawMessage) string) error {
	var raw json.RawMessage
	if err := c.decoder.Decode(&raw); err != nil {
		return err
	}
	if string(raw) == "null" {
		return nil
	}
	if wrong := check(raw); wrong != "" {
		c.wrong(path, "", wrong)
	}
	return nil
}

// skip reads over a value.
func (c *checker) skip() error {
	var raw json.RawMessage
	return c.decoder.Decode(&raw)
}

// rest reads over what follows the first token of a value.
func (c *checker) rest(first json.Token) error {
	if _, ok := first.(json.Delim); !ok {
		return nil
	}
	for depth := 1; depth > 0; {
		token, err := c.decoder.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
	return nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// longestName bounds what is told back of a name that is no field.
const longestName = 64

func shorten(name string) string {
	if len(name) <= longestName {
		return name
	}
	return strings.ToValidUTF8(name[:longestName], "") + "…"
}
