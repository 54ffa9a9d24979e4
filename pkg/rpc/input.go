package rpc

import (
	"context"
	"errors"
	"regexp"
	"unicode/utf8"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// inputUnary refuses what is wrong with the request, all of it at once.
func (s *Server) inputUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if m, ok := req.(proto.Message); ok {
		if err := checkInput(m); err != nil {
			return nil, err
		}
	}
	return next(ctx, req)
}

// CheckInput says what is wrong with a message that did not come as a call, such
// as one read from a row of a file, by the rules for those that do.
func CheckInput(m proto.Message) error { return checkInput(m) }

// checkInput says what is wrong with a message that came in: that it could not be
// decoded, that it holds what no store takes, or that it breaks the rules of the
// contract.
func checkInput(m proto.Message) error {
	if err := marked(m); err != nil {
		return err
	}
	found := planOf(m.ProtoReflect().Descriptor()).check(m.ProtoReflect())
	broken, err := brokenRules(m)
	if err != nil {
		return err
	}
	return errs.Check(append(found, written(m, broken)...))
}

// brokenRules asks the rules of the contract. The error is about the rules
// themselves.
func brokenRules(m proto.Message) ([]errs.Violation, error) {
	err := protovalidate.Validate(m)
	if err == nil {
		return nil, nil
	}
	var invalid *protovalidate.ValidationError
	if !errors.As(err, &invalid) {
		return nil, err
	}
	found := make([]errs.Violation, 0, len(invalid.Violations))
	for _, v := range invalid.Violations {
		found = append(found, errs.Violation{
			Field:       shorten(protovalidate.FieldPathString(v.Proto.GetField())),
			Reason:      reasonOf(v.Proto.GetRuleId()),
			Description: v.Proto.GetMessage(),
		})
	}
	return found, nil
}

var upperSnake = regexp.MustCompile(`^[A-Z][A-Z0-9_]{1,62}$`)

// reasonOf answers the id of a rule that is written as a reason: so a CEL rule of
// the contract names its own.
func reasonOf(rule string) string {
	if upperSnake.MatchString(rule) {
		return rule
	}
	return errs.FieldInvalid
}

// longestPath bounds a path, which may hold the key of a map.
const longestPath = 200

func shorten(path string) string {
	if len(path) <= longestPath {
		return path
	}
	path = path[:longestPath]
	for !utf8.ValidString(path) {
		path = path[:len(path)-1]
	}
	return path + "…"
}
