//go:build race

package testkit

// Raced says that the race detector is on, under which memory says nothing.
const Raced = true
