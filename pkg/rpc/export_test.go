package rpc

import (
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// WellFormed is the part of it that does not depend on the rules of the contract.
func WellFormed(m proto.Message) []errs.Violation {
	return planOf(m.ProtoReflect().Descriptor()).check(m.ProtoReflect())
}
