package check

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"

	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/ledger"
)

// portals checks every call that was made with the token of a portal: what it was answered
// is about its own contact and names no other, what was another's, of whichever tenant, was
// refused, and so was everything once the access was withdrawn (I17).
func (r *Run) portals(context.Context) Result {
	result := Result{ID: "I17", Title: "through a portal a contact sees what is its own, nothing of others, and nothing once that is withdrawn"}
	visitors := map[string]bool{}
	own, foreign, withdrawn := 0, 0, 0
	for _, op := range r.Ops {
		if op.Portal == "" {
			continue
		}
		visitors[op.Portal] = true
		switch {
		case op.Outcome == ledger.OK && op.Refusal != "":
			result.breach("%s by %s %s is answered, instead of refused as %s: %v", op.Method, op.Portal, op.ID, op.Refusal, op.Answer)
		case op.Outcome == ledger.OK:
			own++
			for _, other := range strangers(op) {
				result.breach("%s by %s %s shows %s: %v", op.Method, op.Portal, op.ID, other, op.Answer)
			}
		case op.Outcome == ledger.Failed && strings.HasPrefix(op.Reason, "PORTAL_"):
			withdrawn++
		case op.Outcome == ledger.Failed:
			foreign++
		}
	}
	result.Evidence = fmt.Sprintf("%d visitors: %d answers, %d calls about what is another's and %d after a withdrawal refused", len(visitors), own, foreign, withdrawn)
	return result
}

// strangers are the contacts that the answer of a portal's call names, beside its own.
func strangers(op *ledger.Op) (names []string) {
	err := protorange.Range(op.Answer.ProtoReflect(), func(p protopath.Values) error {
		if name, ok := p.Index(-1).Value.Interface().(string); ok && strings.HasPrefix(name, "contacts/") && name != op.Portal {
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		names = append(names, err.Error())
	}
	return names
}
