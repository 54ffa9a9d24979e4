package rpc_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// bare makes a call as bare HTTP/2, with headers that no gRPC client would send,
// and answers the status: a number, or why there is none.
func bare(t *testing.T, addr string, headers map[string]string) string {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	body := append([]byte{0, 0, 0, 0, 12}, "\x0a\x0acontacts/x"...)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+getContact, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("content-type", "application/grpc")
	req.Header.Set("te", "trailers")
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	if _, err := new(bytes.Buffer).ReadFrom(resp.Body); err != nil {
		return err.Error()
	}
	if s := resp.Trailer.Get("grpc-status"); s != "" {
		return s
	}
	return resp.Header.Get("grpc-status")
}

// B05: headers that are too large or say nonsense are refused before they cost
// anything, and never end in a call without a deadline. (To a deadline that is
// malformed grpc-go answers INTERNAL before anything of ours runs; no client library
// sends one.)
func TestHeaders(t *testing.T) {
	t.Parallel()
	testkit.Prove(t, testkit.GRPC, "B05")
	var left time.Duration
	s := serve(t, &contacts{get: func(ctx context.Context, _ *contactv1.GetContactRequest) (*contactv1.Contact, error) {
		end, _ := ctx.Deadline()
		left = time.Until(end)
		return &contactv1.Contact{}, nil
	}}, &views{}, nil)
	token := "Bearer " + auth.From(as(t, auth.Admin)).Token
	with := func(more map[string]string) string {
		headers := map[string]string{"authorization": token}
		for k, v := range more {
			headers[k] = v
		}
		return bare(t, s.addr, headers)
	}
	many := map[string]string{}
	for i := range 500 {
		many[fmt.Sprintf("x-%d", i)] = strings.Repeat("x", 20)
	}
	for name, c := range map[string]struct {
		headers map[string]string
		ok      bool
	}{
		"none":                   {nil, true},
		"an endless deadline":    {map[string]string{"grpc-timeout": "99999999H"}, true},
		"a deadline of 9 digits": {map[string]string{"grpc-timeout": "999999999S"}, false},
		"a negative deadline":    {map[string]string{"grpc-timeout": "-1S"}, false},
		"a deadline in words":    {map[string]string{"grpc-timeout": "soon"}, false},
		"a header of 64 KiB":     {map[string]string{"x-big": strings.Repeat("x", 64<<10)}, false},
		"500 headers":            {many, false},
		"a token of 9 KiB":       {map[string]string{"authorization": "Bearer " + strings.Repeat("x", 9<<10)}, false},
	} {
		left = 0
		got := with(c.headers)
		if (got == "0") != c.ok {
			t.Errorf("%s: got the status %q", name, got)
		}
		if c.ok && (left <= 0 || left > 30*time.Second) {
			t.Errorf("%s: the handler has %v", name, left)
		}
		if !c.ok && left != 0 {
			t.Errorf("%s: the handler ran", name)
		}
	}
}
