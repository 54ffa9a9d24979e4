package server

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/httprule"
)

// named is the path of a method that answers a resource by its name.
var named = regexp.MustCompile(`^/v1/\{name=([A-Za-z]+)/\*\}$`)

// Readers answers the roles that may get every resource of a collection, such as
// "contacts", by what the services' policies grant.
func Readers() map[string][]auth.Role {
	var granted map[string]map[string]string
	if err := json.Unmarshal(permissions, &granted); err != nil {
		panic("platform: permissions.json: " + err.Error())
	}
	readers := map[string][]auth.Role{}
	for method, scopes := range granted {
		collection := collectionOf(method)
		if collection == "" {
			continue
		}
		for _, role := range auth.Roles {
			if scopes[string(role)] == "ALL" && !slices.Contains(readers[collection], role) {
				readers[collection] = append(readers[collection], role)
			}
		}
	}
	return readers
}

// collectionOf answers the collection whose resources a method answers by name; "" for
// other methods.
func collectionOf(method string) string {
	cut := strings.LastIndexByte(method, '.')
	if !strings.HasPrefix(method[cut+1:], "Get") {
		return ""
	}
	m, err := httprule.Method("/" + method[:cut] + "/" + method[cut+1:])
	if err != nil {
		return ""
	}
	rule, _ := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
	if found := named.FindStringSubmatch(rule.GetGet()); found != nil {
		return found[1]
	}
	return ""
}
