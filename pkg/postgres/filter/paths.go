package filter

// Paths answers the fields that a filter names, as they are written, with the key of
// a map as the last part.
func Paths(text string) ([]string, error) {
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	var paths []string
	collect(root, &paths)
	return paths, nil
}

func collect(n node, paths *[]string) {
	switch n := n.(type) {
	case and:
		for _, part := range n {
			collect(part, paths)
		}
	case or:
		for _, part := range n {
			collect(part, paths)
		}
	case not:
		collect(n.of, paths)
	case term:
		path := n.path
		if n.quoted {
			path += "." + n.key
		}
		*paths = append(*paths, path)
	}
}
