package webhooks

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/lingkar-crm/lingkar/services/gateway/internal/egress"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/store"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/webhook"
)

const (
	// asking bounds finding out what may leave.
	asking = 10 * time.Second
	// agent is who we are to receivers.
	agent = "Lingkar-Webhooks/1"
	// written bounds noting what became of a delivery.
	written = 5 * time.Second
)

// The reasons why an endpoint is given up on.
const (
	reasonGone    = "The receiver answered 410 Gone."
	reasonFailing = "The receiver accepted nothing for as long as deliveries are tried."
)

// deliver makes one attempt, and notes what became of it. Where the process ends in
// between, nothing is noted, and the attempt is repeated when its lease has ended.
func (d *Dispatcher) deliver(ctx context.Context, of store.DueEndpoint, e *webhook.Endpoint, c store.ClaimedDelivery) {
	outcome, err := d.attempt(ctx, e, c)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		d.Logger.WarnContext(ctx, "a webhook delivery waits", "endpoint", of.ID.String(), "delivery", c.ID.String(), "cause", err.Error())
		next := d.Now().Add(webhook.Postponed)
		outcome = store.Outcome{State: webhook.Pending, Tries: c.Tries, Next: &next}
	}
	d.count(ctx, outcome)
	noting, cancel := context.WithTimeout(ctx, written)
	defer cancel()
	if err := d.note(noting, of, c, outcome); err != nil {
		d.Logger.WarnContext(ctx, "what became of a webhook delivery cannot be noted", "delivery", c.ID.String(), "cause", err.Error())
	}
}

// note writes the outcome, and gives up on an endpoint that is gone or accepts nothing.
func (d *Dispatcher) note(ctx context.Context, of store.DueEndpoint, c store.ClaimedDelivery, o store.Outcome) error {
	if err := store.SettleDelivery(ctx, d.DB, c, o, d.Now()); err != nil || o.State != webhook.Failed {
		return err
	}
	if o.Attempt.Status == http.StatusGone {
		return d.Disable(ctx, of, reasonGone)
	}
	accepted, err := store.DeliveredSince(ctx, d.DB, of, c.CreateTime)
	if err != nil || accepted {
		return err
	}
	return d.Disable(ctx, of, reasonFailing)
}

// attempt answers what became of one. An error says that it did not come to one.
func (d *Dispatcher) attempt(ctx context.Context, e *webhook.Endpoint, c store.ClaimedDelivery) (store.Outcome, error) {
	preparing, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	m, err := d.message(preparing, e, c)
	if err != nil {
		return store.Outcome{}, err
	}
	if m.blocked != "" {
		return store.Outcome{State: webhook.Blocked, BlockReason: m.blocked, Tries: c.Tries}, nil
	}
	made, asked := d.send(ctx, e.URL, m)
	o := store.Outcome{Tries: c.Tries + 1, Attempt: &made}
	switch wait, again := webhook.Wait(o.Tries, rand.Float64()); {
	case made.Failure == "" && made.Status >= 200 && made.Status < 300:
		o.State = webhook.Delivered
	case made.Status == http.StatusGone || !again:
		o.State = webhook.Failed
	default:
		next := d.Now().Add(max(wait, asked))
		o.State, o.Next = webhook.Pending, &next
	}
	return o, nil
}

// send makes the call. Asked is for how long a receiver that has too much to do wants to be
// left alone.
func (d *Dispatcher) send(ctx context.Context, url string, m message) (a webhook.Attempt, asked time.Duration) {
	began, at := time.Now(), d.Now().UTC().Truncate(time.Microsecond)
	a.Time = at
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(m.body))
	if err != nil {
		a.Failure = egress.Failure(err)
		return a, 0
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", agent)
	req.Header.Set("webhook-id", m.id)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	req.Header.Set("webhook-signature", webhook.Sign(m.secrets, m.id, at, []byte(m.body)))
	res, err := d.client.Do(req)
	if err == nil {
		a.Status = res.StatusCode
		a.Answer, err = read(res.Body)
		if a.Status == http.StatusTooManyRequests || a.Status == http.StatusServiceUnavailable {
			asked = webhook.Asked(res.Header.Get("Retry-After"), d.Now())
		}
	}
	a.Duration = time.Since(began)
	switch a.Failure = egress.Failure(err); {
	case a.Failure == "" && a.Status >= 300 && a.Status < 400:
		a.Failure = "REDIRECTED"
	case a.Status >= 200 && a.Status < 300:
		a.Failure = "" // it was accepted; what it went on to say matters to nobody
	}
	return a, asked
}

// read answers how an answer begins. It reads no more than egress.MaxAnswer of it, so
// that a short one leaves the connection fit for the next call.
func read(body io.ReadCloser) (string, error) {
	defer body.Close()
	answer, err := io.ReadAll(io.LimitReader(body, egress.MaxAnswer))
	kept := strings.ToValidUTF8(string(answer[:min(len(answer), webhook.AnswerKept)]), "")
	return strings.Map(printable, kept), err
}

// printable keeps what a text may hold.
func printable(r rune) rune {
	if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == 0xfffe || r == 0xffff {
		return -1
	}
	return r
}

// opened answers the secrets that sign now.
func (d *Dispatcher) opened(e *webhook.Endpoint) ([][]byte, error) {
	var secrets [][]byte
	for _, sealed := range e.Secrets(d.Now()) {
		secret, err := d.Seal.Unwrap(e.ID, sealed)
		if err != nil {
			return nil, fmt.Errorf("the secret of the endpoint cannot be read (rotate it, or restore the key-encryption key): %w", err)
		}
		secrets = append(secrets, secret)
	}
	return secrets, nil
}
