// Command lingkar runs the whole suite in one process and is the operator's tool
// for a running one. "lingkar --help" tells.
package main

import (
	"os"

	"github.com/lingkar-crm/lingkar/services/lingkar/internal/cli"
)

func main() { os.Exit(cli.Run(os.Args[1:], os.Stdout, os.Stderr)) }
