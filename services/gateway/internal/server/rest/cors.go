package rest

import (
	"net/http"
	"slices"
)

const (
	corsMethods = "GET, POST, PATCH, DELETE"
	corsHeaders = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, Lingkar-Min-Position, X-Correlation-Id, Traceparent"
	corsExposed = "ETag, Link, Lingkar-Position, Retry-After, X-Correlation-Id"
	corsSeconds = "600"
)

// cors tells browsers whose pages may call (the Fetch standard), and says whether
// the request was only that question. Tokens travel in a header that a page must
// set itself, never in cookies, so credentials are not allowed.
func (d *door) cors(w http.ResponseWriter, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	allowed := slices.Contains(d.Origins, origin) || slices.Contains(d.Origins, "*")
	if allowed {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", corsExposed)
	}
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	if allowed {
		h.Set("Access-Control-Allow-Methods", corsMethods)
		h.Set("Access-Control-Allow-Headers", corsHeaders)
		h.Set("Access-Control-Max-Age", corsSeconds)
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}
