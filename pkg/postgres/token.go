package postgres

type pageSeal struct{}

func newPageSeal(key []byte) (*pageSeal, error) { return &pageSeal{}, nil }
