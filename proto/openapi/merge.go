package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"reflect"
	"regexp"
	"strings"
)

// object is a JSON object.
type object = map[string]any

// frame is the document without what is generated.
//
//go:embed frame.json
var frame []byte

type document struct{ object }

// part is the document of one .proto file.
type part struct {
	object
	area string
}

// nameApart puts the area before the names of services that several areas have:
// tags and ids of operations must differ.
func nameApart(parts []part) {
	areas := map[string]map[string]bool{}
	for _, p := range parts {
		for _, tag := range list(p.object["tags"]) {
			name := tag["name"].(string)
			if areas[name] == nil {
				areas[name] = map[string]bool{}
			}
			areas[name][p.area] = true
		}
	}
	for _, p := range parts {
		p.rename(func(name string) string {
			if service, _, _ := strings.Cut(name, "_"); len(areas[service]) > 1 {
				return strings.ToUpper(p.area[:1]) + p.area[1:] + name
			}
			return name
		})
	}
}

// rename renames tags and operations.
func (p part) rename(apart func(name string) string) {
	for _, tag := range list(p.object["tags"]) {
		tag["name"] = apart(tag["name"].(string))
	}
	paths, _ := p.object["paths"].(object)
	for _, item := range paths {
		for _, operation := range item.(object) {
			o := operation.(object)
			o["operationId"] = apart(o["operationId"].(string))
			tags := o["tags"].([]any)
			for i := range tags {
				tags[i] = apart(tags[i].(string))
			}
		}
	}
}

// list answers the objects of an array; none where there is no array.
func list(value any) []object {
	array, _ := value.([]any)
	objects := make([]object, 0, len(array))
	for _, v := range array {
		objects = append(objects, v.(object))
	}
	return objects
}

func newDocument() (*document, error) {
	var doc object
	if err := json.Unmarshal(frame, &doc); err != nil {
		return nil, fmt.Errorf("read frame.json: %w", err)
	}
	return &document{doc}, nil
}

// at answers an object inside the document, and makes it where it is missing.
func (d *document) at(path ...string) object {
	o := d.object
	for _, key := range path {
		inner, ok := o[key].(object)
		if !ok {
			inner = object{}
			o[key] = inner
		}
		o = inner
	}
	return o
}

// add merges one generated document. Two that say different things of one schema
// or of one operation are a mistake.
func (d *document) add(part object, variables map[string]string) error {
	components, _ := part["components"].(object)
	schemas, _ := components["schemas"].(object)
	for name, schema := range schemas {
		if old, ok := d.at("components", "schemas")[name]; ok && !reflect.DeepEqual(old, schema) {
			return fmt.Errorf("schema %s is described twice, and differently", name)
		}
		d.at("components", "schemas")[name] = schema
	}
	tags, _ := d.object["tags"].([]any)
	more, _ := part["tags"].([]any)
	d.object["tags"] = append(tags, more...)
	paths, _ := part["paths"].(object)
	for path, item := range paths {
		renamed := rename(path, variables)
		for verb, operation := range item.(object) {
			if _, ok := d.at("paths", renamed)[verb]; ok {
				return fmt.Errorf("%s %s is described twice", verb, renamed)
			}
			renameParameters(operation.(object), path, renamed)
			d.at("paths", renamed)[verb] = operation
		}
	}
	return nil
}

var variable = regexp.MustCompile(`\{[^}]*\}`)

// rename calls the variables of a path what the resources' patterns call them.
// The generator takes the names of fields, which differ between the methods of
// one path; OpenAPI takes such paths for one.
func rename(path string, variables map[string]string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if name, ok := variables[segments[max(i-1, 0)]]; ok && strings.HasPrefix(segment, "{") {
			segments[i] = variable.ReplaceAllLiteralString(segment, "{"+name+"}")
		}
	}
	return strings.Join(segments, "/")
}

func renameParameters(operation object, from, to string) {
	was, is := variable.FindAllString(from, -1), variable.FindAllString(to, -1)
	parameters, _ := operation["parameters"].([]any)
	for _, p := range parameters {
		parameter := p.(object)
		for i := range was {
			if parameter["in"] != "path" || parameter["name"] != strings.Trim(was[i], "{}") {
				continue
			}
			parameter["name"] = strings.Trim(is[i], "{}")
			before, _, _ := strings.Cut(to, is[i])
			collection := before[strings.LastIndexByte(strings.TrimSuffix(before, "/"), '/')+1:]
			parameter["description"] = "What follows " + collection + " in its name."
			break
		}
	}
}

// pattern finds the last collection and variable of a resource's pattern.
var pattern = regexp.MustCompile(`pattern: "(?:[^"]*/)?([a-zA-Z]+)/\{([a-z_]+)\}"`)

// readVariables answers what follows each collection in the patterns of the
// resources, such as "priceLists" to "price_list".
func readVariables(protos fs.FS) (map[string]string, error) {
	variables := map[string]string{"operations": "operation"}
	err := eachFile(protos, ".proto", func(_ string, data []byte) error {
		for _, match := range pattern.FindAllSubmatch(data, -1) {
			variables[string(match[1])] = string(match[2])
		}
		return nil
	})
	return variables, err
}
