package rest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/server/strictjson"
)

const (
	// maxBody is the largest body, in bytes.
	maxBody = 1 << 20
	// bodyTimeout is how long a body may take to arrive.
	bodyTimeout = 30 * time.Second
	// drained is how much of the body of a refused request is read and thrown away,
	// and drainTimeout for how long.
	drained      = 8 << 20
	drainTimeout = 2 * time.Second
)

// checked looks at the parameters and the body of a request whose RPC is known,
// before grpc-gateway makes a message of them.
func (d *door) checked(next runtime.HandlerFunc) runtime.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request, params map[string]string) {
		found, ok := d.ruleOf(r)
		if !ok { // the door's own routes read their requests themselves
			next(w, r, params)
			return
		}
		r = resumed(r, found)
		body, err := d.read(w, r, found)
		if err == nil {
			err = errs.Check(append(checkQuery(r.URL.Query(), found), checkBody(body, found)...))
		}
		if err == nil {
			err = checkKey(r)
		}
		ctx, cancel := r.Context(), func() {}
		if err == nil {
			ctx, err = withPreconditions(ctx, r)
		}
		if err != nil {
			d.refuse(w, r, err)
			return
		}
		if !found.method.IsStreamingServer() {
			ctx, cancel = context.WithTimeout(ctx, callTimeout)
		}
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = io.NopCloser(bytes.NewReader(body))
		next(w, r, params)
	}
}

func (d *door) ruleOf(r *http.Request) (*rule, bool) {
	pattern, ok := runtime.HTTPPattern(r.Context())
	if !ok {
		return nil, false
	}
	found, ok := d.rules[route{r.Method, pattern.String()}]
	return found, ok
}

// read reads the body where the RPC has one.
func (d *door) read(w http.ResponseWriter, r *http.Request, found *rule) ([]byte, error) {
	if found.body == nil {
		return nil, nil
	}
	body, err := readBody(w, r, maxBody, errBodyLimit)
	if err != nil || len(body) == 0 {
		return nil, err
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, errMedia
	}
	return body, nil
}

// readBody reads at most limit bytes within the time that a body may take.
func readBody(w http.ResponseWriter, r *http.Request, limit int64, tooLarge error) ([]byte, error) {
	if coding := r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return nil, errMedia
	}
	if r.ContentLength > limit {
		return nil, tooLarge
	}
	// A server that knows no deadlines, such as a test's recorder, has none.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLarge
	case err != nil:
		return nil, errBodyRead.Wrap(err)
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	return body, nil
}

// drain reads what a refused caller still sends. One who is sending when the
// connection is closed sees a reset, and not the answer.
func drain(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Expect") != "" {
		return // it waits to be told before it sends
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(drainTimeout))
	_, _ = io.CopyN(io.Discard, r.Body, drained) // what is wrong with it does not matter any more
}

func checkBody(body []byte, found *rule) []errs.Violation {
	if found.body == nil {
		return nil
	}
	return strictjson.Check(body, found.body, found.prefix)
}
