// Package broker says who may do what at the broker, and connects as one of its
// users. Every service is a user of its own, known by an nkey: the broker holds
// public keys alone, and nothing secret crosses the network.
//
// A service may publish the events of its own area, follow those of the areas that
// it reads, and hear answers in an inbox of its own. It may make the stream where
// there is none, but never change, empty or delete it: that is the operator's.
//
// Limits, by the way of the broker: a service that follows several areas may
// follow all; and who knows the random name of another's consumer may end it,
// which that one notices and mends.
package broker

import (
	"slices"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/mesh"
)

// Access is the subjects that a user may publish to and subscribe to.
type Access struct{ Publish, Subscribe []string }

// api is where JetStream takes requests about the one stream.
const api = "$JS.API."

// AccessOf answers what the service of that name needs.
func AccessOf(name string, needs mesh.Needs) Access {
	publish := []string{
		"evt." + needs.Area + ".>",
		api + "STREAM.INFO." + eventlog.StreamName,
		api + "STREAM.CREATE." + eventlog.StreamName, // without effect on a stream that exists
	}
	if len(needs.Reads) > 0 || needs.Front {
		publish = append(publish, consume(needs)...)
	}
	return Access{Publish: publish, Subscribe: []string{Inbox(name) + ".>"}}
}

// consume answers the subjects by which consumers are made, pulled and ended. The
// filter of a consumer stands in the subject only where it has a single one.
func consume(needs mesh.Needs) []string {
	of := eventlog.StreamName + ".*"
	create := api + "CONSUMER.CREATE." + of
	subjects := []string{api + "CONSUMER.MSG.NEXT." + of, api + "CONSUMER.DELETE." + of}
	if needs.Together || needs.Front {
		subjects = append(subjects, create)
	}
	for _, area := range needs.Reads {
		subjects = append(subjects, create+".evt."+area+".>")
	}
	return subjects
}

// OperatorAccess is everything.
func OperatorAccess() Access { return Access{Publish: []string{">"}, Subscribe: []string{">"}} }

// Inbox begins the subjects on which a user hears answers: its own, because who
// listens to a shared one reads what all are answered.
func Inbox(name string) string { return "_INBOX_" + name }

// Users answers one user for each service and one for operators, ordered by name.
// PublicKey answers the public nkey of each.
func Users(m mesh.Mesh, publicKey func(name string) (string, error)) ([]User, error) {
	names := []string{mesh.Operator}
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	users := make([]User, len(names))
	for i, name := range names {
		key, err := publicKey(name)
		if err != nil {
			return nil, err
		}
		users[i] = User{Name: name, Key: key, Access: OperatorAccess()}
		if name != mesh.Operator {
			users[i].Access = AccessOf(name, m[name])
		}
	}
	return users, nil
}

// User is who the broker knows.
type User struct {
	// Name is that of the service, or mesh.Operator.
	Name string
	// Key is its public nkey.
	Key string
	Access
}
