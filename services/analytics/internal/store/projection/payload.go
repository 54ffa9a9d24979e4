package projection

import (
	"errors"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"

	// The types of every area's payloads, so that Any finds them.
	_ "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// payloadOf answers the payload of an event; nil where its type is not known to
// this program.
func payloadOf(e *eventv1.Event) (proto.Message, error) {
	payload, err := e.GetPayload().UnmarshalNew()
	if errors.Is(err, protoregistry.NotFound) || e.GetPayload() == nil {
		return nil, nil
	}
	return payload, err
}
