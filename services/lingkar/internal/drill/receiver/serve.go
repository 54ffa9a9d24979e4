package receiver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

const (
	// maxBody is more than any message: an event is at most 256 KiB.
	maxBody = 1 << 20
	// tolerance is how far the timestamp of a message may be off (Standard Webhooks).
	tolerance = 5 * time.Minute
)

// answer is how a call is answered.
type answer int

const (
	accepts answer = iota
	refuses
	hangs
	cuts
)

// serve takes one call.
func (r *Receiver) serve(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err != nil {
		return // the caller has gone
	}
	switch r.take(req.URL.Path, req.Header, body) {
	case accepts:
		w.WriteHeader(http.StatusNoContent)
	case refuses:
		http.Error(w, "not now", http.StatusInternalServerError)
	case hangs:
		select {
		case <-req.Context().Done():
		case <-r.healthy:
		}
		panic(http.ErrAbortHandler)
	case cuts:
		panic(http.ErrAbortHandler)
	}
}

// take decides on a call, and keeps its event where it accepts it. What must never have
// come is refused, and told.
func (r *Receiver) take(path string, header http.Header, body []byte) answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	to := r.inboxes[path]
	if to == nil {
		return refuses // sent before Subscribe was answered
	}
	event, err := to.open(header, body)
	if err != nil {
		if len(r.wrong) < maxKept {
			r.wrong = append(r.wrong, fmt.Sprintf("%s was sent %v: %.300s", to.Tenant, err, body))
		}
		return refuses
	}
	how := r.choose(to, event.GetId())
	switch how {
	case accepts:
		r.counts.Accepted++
		to.accepted[event.GetId()] = append(to.accepted[event.GetId()], event)
	case refuses:
		r.counts.Refused++
	case hangs:
		r.counts.Hung++
	case cuts:
		r.counts.Cut++
	}
	return how
}

// choose decides how to answer: in thousandths 25 are refused, 10 cut off, and 3 hang.
func (r *Receiver) choose(to *Inbox, event string) answer {
	select {
	case <-r.healthy:
		return accepts
	default:
	}
	how := accepts
	switch dice := r.random.IntN(1000); {
	case dice < 25:
		how = refuses
	case dice < 35:
		how = cuts
	case dice < 38:
		how = hangs
	}
	if how == accepts || to.refused[event] == refusals {
		return accepts
	}
	to.refused[event]++
	return how
}

// open verifies a message by the text of the specification, and answers its event.
func (i *Inbox) open(header http.Header, body []byte) (*eventv1.Event, error) {
	if err := i.verify(header, body); err != nil {
		return nil, err
	}
	var message struct {
		Type string          `json:"type"`
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &message); err != nil {
		return nil, err
	}
	event := &eventv1.Event{}
	if err := protojson.Unmarshal(message.Data, event); err != nil {
		return nil, err
	}
	switch {
	case event.GetTenant() != i.Tenant:
		return nil, fmt.Errorf("an event of %s", event.GetTenant())
	case event.GetId() != header.Get("webhook-id"):
		return nil, errors.New("an event under another webhook-id")
	case event.GetType() != message.Type || !slices.Contains(Types, message.Type):
		return nil, errors.New("a type that it did not ask for")
	case event.GetSealed() != nil:
		return nil, errors.New("a sealed part")
	}
	return event, nil
}

// verify checks timestamp and signature.
func (i *Inbox) verify(header http.Header, body []byte) error {
	sent, err := strconv.ParseInt(header.Get("webhook-timestamp"), 10, 64)
	if err != nil || time.Since(time.Unix(sent, 0)).Abs() > tolerance {
		return errors.New("a wrong timestamp")
	}
	mac := hmac.New(sha256.New, i.secret)
	fmt.Fprintf(mac, "%s.%d.%s", header.Get("webhook-id"), sent, body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if !slices.Contains(strings.Fields(header.Get("webhook-signature")), want) {
		return errors.New("a wrong signature")
	}
	return nil
}
