package identity

import "slices"

// edit makes the changes that led from one snapshot to another on a third one. On the
// first it answers the second, exactly.
func edit(on, from, to Snapshot) Snapshot {
	if same(on, from) {
		return to
	}
	for _, f := range slices.Concat(values, settled) {
		if !f.same(&from, &to) {
			f.take(&on, &to)
		}
	}
	on.Identifiers = editList(on.Identifiers, from.Identifiers, to.Identifiers)
	on.Addresses = editList(on.Addresses, from.Addresses, to.Addresses)
	on.Roles = editList(on.Roles, from.Roles, to.Roles)
	on.Absorbed = editList(on.Absorbed, from.Absorbed, to.Absorbed)
	on.ExternalIDs = editMap(on.ExternalIDs, from.ExternalIDs, to.ExternalIDs)
	on.Labels = editMap(on.Labels, from.Labels, to.Labels)
	on.CustomFields = editMap(on.CustomFields, from.CustomFields, to.CustomFields)
	return on
}

// Differing answers the names of the fields in which two snapshots differ.
func Differing(a, b Snapshot) []string {
	var names []string
	for _, f := range slices.Concat(values, settled, lists, mapped) {
		if !f.same(&a, &b) {
			names = append(names, f.name)
		}
	}
	return names
}

func editList[T any](on, from, to []T) []T {
	if same(from, to) {
		return on
	}
	if same(on, from) {
		return to
	}
	var out []T
	for _, v := range on {
		if !has(from, v) || has(to, v) {
			out = append(out, v)
		}
	}
	for _, v := range to {
		if !has(from, v) && !has(out, v) {
			out = append(out, v)
		}
	}
	return out
}

func has[T any](list []T, v T) bool {
	return slices.ContainsFunc(list, func(o T) bool { return same(o, v) })
}

func editMap[V any](on, from, to map[string]V) map[string]V {
	if same(from, to) {
		return on
	}
	out := make(map[string]V, len(on))
	for k, v := range on {
		if _, stays := to[k]; stays || !same(from[k], v) {
			out[k] = v
		}
	}
	for k, v := range to {
		if old, was := from[k]; !was || !same(old, v) {
			out[k] = v
		}
	}
	return out
}
