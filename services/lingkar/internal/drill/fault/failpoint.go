package fault

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/failpoint"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/nemesis"
)

// atPoint ends processes at one line of the code.
type atPoint struct{ simple }

// Possible implements nemesis.Conditional.
func (*atPoint) Possible() error {
	if !failpoint.Enabled {
		return errors.New("this build has no failpoints (go build -tags drill)")
	}
	return nil
}

// crashAt ends every process that passes the point for one of the next few times.
// It is started again, without the plan.
func crashAt(r *rand.Rand, id, title string, point failpoint.Point) nemesis.Fault {
	return &atPoint{simple{
		id: id, title: title,
		inject: func(ctx context.Context, c *cluster.Cluster) error {
			for _, s := range c.Services {
				plan := fmt.Sprintf("%s=exit@%d", point, 1+r.IntN(10))
				if err := arm(ctx, s, http.MethodPut, plan); err != nil {
					return err
				}
			}
			return nil
		},
		heal: func(ctx context.Context, c *cluster.Cluster) error {
			var err error
			for _, s := range c.Services {
				err = errors.Join(err, arm(ctx, s, http.MethodDelete, ""))
			}
			return err
		},
	}}
}

// arm gives a process its plan over its private listener. One that cannot be
// reached is down because of another fault, and starts without a plan.
func arm(ctx context.Context, s *cluster.Service, method, plan string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+s.Admin()+"/debug/failpoints", strings.NewReader(plan))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("%s refuses the plan %q: %s", s.Name, plan, resp.Status)
	}
	return nil
}
