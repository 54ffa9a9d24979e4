//go:build race

package pdf

import "github.com/tetratelabs/wazero"

// engine interprets the code: under the race detector making code of the machine takes a
// minute.
func engine() wazero.RuntimeConfig { return wazero.NewRuntimeConfigInterpreter() }
