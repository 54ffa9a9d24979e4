package rest

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// addQuery writes the set fields of a message as query parameters, in the names
// of JSON.
func addQuery(query url.Values, prefix string, msg protoreflect.Message) error {
	var failed error
	msg.Range(func(fd protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		failed = addField(query, prefix+fd.JSONName(), fd, value)
		return failed == nil
	})
	return failed
}

func addField(query url.Values, key string, fd protoreflect.FieldDescriptor, value protoreflect.Value) error {
	switch {
	case fd.IsMap():
		var failed error
		value.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
			failed = addValue(query, fmt.Sprintf("%s[%s]", key, k), fd.MapValue(), v)
			return failed == nil
		})
		return failed
	case fd.IsList():
		for i := range value.List().Len() {
			if err := addValue(query, key, fd, value.List().Get(i)); err != nil {
				return err
			}
		}
		return nil
	default:
		return addValue(query, key, fd, value)
	}
}

func addValue(query url.Values, key string, fd protoreflect.FieldDescriptor, value protoreflect.Value) error {
	switch {
	case fd.Enum() != nil:
		if named := fd.Enum().Values().ByNumber(value.Enum()); named != nil {
			query.Add(key, string(named.Name()))
			return nil
		}
		query.Add(key, fmt.Sprint(value.Enum()))
	case fd.Kind() == protoreflect.BytesKind:
		query.Add(key, base64.URLEncoding.EncodeToString(value.Bytes()))
	case fd.Message() == nil:
		query.Add(key, fmt.Sprint(value.Interface()))
	case fd.Message().ParentFile().Package() == "google.protobuf":
		return addWellKnown(query, key, value.Message())
	case fd.IsList():
		return status.Errorf(codes.Unimplemented, "field %s cannot be a query parameter", fd.FullName())
	default:
		return addQuery(query, key+".", value.Message())
	}
	return nil
}

// addWellKnown writes a message of google.protobuf as grpc-gateway reads it.
func addWellKnown(query url.Values, key string, msg protoreflect.Message) error {
	switch m := msg.Interface().(type) {
	case *fieldmaskpb.FieldMask:
		query.Add(key, strings.Join(m.GetPaths(), ","))
		return nil
	case *durationpb.Duration:
		query.Add(key, m.AsDuration().String())
		return nil
	}
	data, err := protojson.Marshal(msg.Interface())
	if err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	query.Add(key, strings.Trim(string(data), `"`))
	return nil
}
