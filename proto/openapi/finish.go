package main

import (
	"cmp"
	"slices"
	"strings"
)

// finish words what holds for every operation: errors and headers.
func (d *document) finish() {
	for path, item := range d.at("paths") {
		for verb, operation := range item.(object) {
			finishOperation(path, verb, operation.(object))
		}
	}
	tags := d.object["tags"].([]any)
	slices.SortFunc(tags, func(a, b any) int {
		return cmp.Compare(a.(object)["name"].(string), b.(object)["name"].(string))
	})
}

func finishOperation(path, verb string, operation object) {
	responses := operation["responses"].(object)
	responses["default"] = reference("responses", "Problem")
	add := func(parameter string) {
		parameters, _ := operation["parameters"].([]any)
		operation["parameters"] = append(parameters, reference("parameters", parameter))
	}
	switch {
	case verb == "get" && strings.HasSuffix(path, "}"):
		add("IfNoneMatch")
		responses["304"] = reference("responses", "NotModified")
	case verb == "post":
		add("IdempotencyKey")
		if strings.Contains(path, "}:") {
			add("IfMatch")
		}
	case verb == "patch" || verb == "delete":
		add("IdempotencyKey")
		add("IfMatch")
	}
}

func reference(kind, name string) object {
	return object{"$ref": "#/components/" + kind + "/" + name}
}
