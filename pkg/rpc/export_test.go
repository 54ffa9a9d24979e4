package rpc

import (
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// WellFormed is the check of a message apart from the rules of its contract.
func WellFormed(m proto.Message) []errs.Violation {
	return planOf(m.ProtoReflect().Descriptor()).check(m.ProtoReflect())
}
