// Command program comes to a failpoint three times.
package main

import (
	"fmt"

	"github.com/lingkar-crm/lingkar/pkg/failpoint"
)

func main() {
	for n := range 3 {
		fmt.Println(n, failpoint.Hit(failpoint.RelayAfterPublish))
	}
}
