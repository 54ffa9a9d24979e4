package broker

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// Config writes the users as the part of a nats-server's configuration that its
// nats.conf includes. It holds nothing secret.
func Config(users []User) []byte {
	var b bytes.Buffer
	b.WriteString("# Made by `lingkar setup`: one user a service, by its public key.\nauthorization {\n  users: [\n")
	for _, u := range users {
		fmt.Fprintf(&b, "    # %s\n    {nkey: %s, permissions: {publish: {allow: [%s]}, subscribe: {allow: [%s]}}}\n",
			u.Name, u.Key, quoted(u.Publish), quoted(u.Subscribe))
	}
	b.WriteString("  ]\n}\n")
	return b.Bytes()
}

func quoted(subjects []string) string { return `"` + strings.Join(subjects, `", "`) + `"` }

// Embedded answers the users as a broker inside this process takes them: nil, where
// there are none, stands for no users at all.
func Embedded(users []User) []*server.NkeyUser {
	var embedded []*server.NkeyUser
	for _, u := range users {
		embedded = append(embedded, &server.NkeyUser{Nkey: u.Key, Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: u.Publish},
			Subscribe: &server.SubjectPermission{Allow: u.Subscribe},
		}})
	}
	return embedded
}
