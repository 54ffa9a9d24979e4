//go:build !race

package pdf

import "github.com/tetratelabs/wazero"

// engine turns the code into that of the machine where it can, which runs it ten times as
// fast as an interpreter does.
func engine() wazero.RuntimeConfig { return wazero.NewRuntimeConfig() }
