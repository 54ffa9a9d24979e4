//go:build !drill

package failpoint

import "net/http"

// Enabled says whether points can be armed in this build.
const Enabled = false

// Hit says that the code has come to the point. In this build it does nothing.
func Hit(Point) error { return nil }

// Handle adds nothing in this build.
func Handle(*http.ServeMux) {}
