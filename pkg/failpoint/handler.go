//go:build drill

package failpoint

import (
	"fmt"
	"io"
	"net/http"
)

// maxPlan is the most bytes of a plan that the handler reads.
const maxPlan = 64 << 10

// Handle adds /debug/failpoints to the private listener's paths. GET answers one
// line a point: its hits since the plan was set and what is planned. PUT sets the
// plan that it carries in place of the one before, DELETE none.
func Handle(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/failpoints", show)
	mux.HandleFunc("PUT /debug/failpoints", replace)
	mux.HandleFunc("DELETE /debug/failpoints", func(w http.ResponseWriter, _ *http.Request) {
		Arm(nil)
		w.WriteHeader(http.StatusNoContent)
	})
}

func show(w http.ResponseWriter, _ *http.Request) {
	armed.Lock()
	defer armed.Unlock()
	for _, p := range Points() {
		fmt.Fprintf(w, "%s %d", p, armed.hits[p])
		if act, ok := armed.plan[p]; ok {
			fmt.Fprintf(w, " %s", act)
		}
		fmt.Fprintln(w)
	}
}

func replace(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxPlan))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	plan, err := Parse(string(body))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	Arm(plan)
	w.WriteHeader(http.StatusNoContent)
}
