//go:build !linux

package fault

import "errors"

// shutDown cannot be done: there are no volumes on this system.
func shutDown(string) error { return errors.ErrUnsupported }
