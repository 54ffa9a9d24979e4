package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

const (
	// freshFor is how long a fetched key set is used before it is looked up
	// again.
	freshFor = 10 * time.Minute
	// staleFor is how long one is used on while its issuer cannot be reached.
	staleFor = 24 * time.Hour
	// firstPause is how long to wait before the next fetch after one that failed
	// or that an unknown key caused; it doubles up to longestPause.
	firstPause   = 10 * time.Second
	longestPause = 5 * time.Minute
	fetchTimeout = 5 * time.Second
	maxKeySet    = 1 << 20
)

// keySet is the keys of an issuer, fetched over HTTP and kept.
type keySet struct {
	url    string
	client *http.Client
	flight singleflight.Group

	mu      sync.Mutex
	keys    map[string]any
	fetched time.Time
	next    time.Time     // no fetch before
	pause   time.Duration // what next was last moved by
}

func newKeySet(url string) *keySet {
	return &keySet{url: url, client: &http.Client{Timeout: fetchTimeout}}
}

// key answers the key of that id. It fetches the set where the key is unknown or
// the set is old, but not more often than the pauses allow, so that tokens with
// invented ids cannot make us hammer the issuer.
func (s *keySet) key(ctx context.Context, kid string, now time.Time) (any, bool, error) {
	s.mu.Lock()
	key, ok := s.keys[kid]
	age, may := now.Sub(s.fetched), !now.Before(s.next)
	s.mu.Unlock()
	if ok && age < freshFor {
		return key, true, nil
	}
	var err error
	if may {
		err = s.refresh(ctx, now)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key, ok = s.keys[kid]
	if now.Sub(s.fetched) >= staleFor {
		return nil, false, errs.Unavailable("ISSUER_UNAVAILABLE", "the keys of the token's issuer cannot be had", firstPause).Wrap(err)
	}
	return key, ok, nil
}

// refresh fetches the set once for all who wait for it.
func (s *keySet) refresh(ctx context.Context, now time.Time) error {
	_, err, _ := s.flight.Do("", func() (any, error) {
		keys, err := s.fetch(context.WithoutCancel(ctx))
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil {
			s.pause = min(max(2*s.pause, firstPause), longestPause)
		} else {
			s.keys, s.fetched, s.pause = keys, now, firstPause
		}
		s.next = now.Add(s.pause)
		return nil, err
	})
	return err
}

func (s *keySet) fetch(ctx context.Context) (map[string]any, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetch the key set: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch the key set: %s", resp.Status)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxKeySet)).Decode(&set); err != nil {
		return nil, fmt.Errorf("read the key set: %w", err)
	}
	return publicKeys(set.Keys), nil
}

// publicKeys keeps the keys that verify signatures. A set may hold others, of
// kinds we do not know; those are passed over.
func publicKeys(set []json.RawMessage) map[string]any {
	keys := map[string]any{}
	for _, raw := range set {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) == nil && key.KeyID != "" && key.Use != "enc" && key.IsPublic() {
			keys[key.KeyID] = key.Key
		}
	}
	return keys
}
