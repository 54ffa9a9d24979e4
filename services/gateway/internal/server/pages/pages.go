// Package pages serves what the HTTP door has for people and for probes: the
// documentation, the OpenAPI document, and whether the process lives and is ready.
//
// Everything is in the binary: no page loads anything from elsewhere.
package pages

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"time"

	contracts "github.com/lingkar-crm/lingkar/proto"
)

//go:embed assets
var embedded embed.FS

// policy lets the page load its own script and style, and call its own gateway.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// readyTimeout bounds the question whether the process is ready.
const readyTimeout = time.Second

// Handler answers the pages. Ready says why the process cannot do its work;
// missing answers every other path.
func Handler(ready func(context.Context) error, missing http.Handler) (http.Handler, error) {
	assets, err := fs.Sub(embedded, "assets")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", http.RedirectHandler("/docs/", http.StatusFound))
	mux.Handle("GET /docs", http.RedirectHandler("/docs/", http.StatusMovedPermanently))
	mux.Handle("GET /docs/", http.StripPrefix("/docs/", page(http.FileServerFS(assets))))
	mux.Handle("GET /openapi.json", document())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { tell(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if ready(ctx) != nil {
			tell(w, http.StatusServiceUnavailable, "not ready\n")
			return
		}
		tell(w, http.StatusOK, "ok\n")
	})
	mux.Handle("/", missing)
	return mux, nil
}

func tell(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}

func page(files http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		files.ServeHTTP(w, r)
	})
}

// document answers the OpenAPI document with an ETag of its content.
func document() http.Handler {
	sum := sha256.Sum256(contracts.OpenAPI)
	etag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", etag)
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(contracts.OpenAPI)
	})
}
