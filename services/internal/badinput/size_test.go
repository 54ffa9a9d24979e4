package badinput

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	gzipcodec "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/internal/fuzz"
)

// testSizes tries what is too large: messages, compressed ones, headers, files.
func testSizes(t *testing.T, d *desk) {
	before := d.state(t.Context(), t)
	t.Run("B03/gRPC", func(t *testing.T) { // over REST: testBodies
		testkit.Prove(t, testkit.GRPC, "B03")
		large := make([]byte, rpc.MaxRequest+1)
		for _, m := range d.methods {
			a := fuzz.CallGRPC(t.Context(), d.Route(d.caller), m, large)
			want{codes.ResourceExhausted, "REQUEST_TOO_LARGE", ""}.check(t, m.Name(), a, nil)
		}
	})
	t.Run("B03/file", func(t *testing.T) { testFileSize(t, d) })
	t.Run("B04", func(t *testing.T) { testBombs(t, d) })
	t.Run("B05", func(t *testing.T) { testHeaders(t, d) })
	if after := d.state(t.Context(), t); after != before {
		t.Errorf("what was refused left something behind:\n%s\n%s", before, after)
	}
}

// testFileSize announces a file that is larger than an import takes.
func testFileSize(t *testing.T, d *desk) {
	testkit.Prove(t, testkit.OverREST, "B03")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.HTTP+"/v1/contactImports?kind=contacts&fileName=x.csv", bytes.NewReader([]byte("a\n")))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/csv")
	req.Body, req.ContentLength = endless{}, 50<<20+1
	a, _ := d.send(t, d.method("CreateContact"), req)
	want{codes.ResourceExhausted, "REQUEST_TOO_LARGE", ""}.check(t, "an upload of 50 MiB and more", a, nil)
}

// endless is a file of commas that nobody reads to its end.
type endless struct{}

func (endless) Read(b []byte) (int, error) { return copy(b, bytes.Repeat([]byte(","), len(b))), nil }
func (endless) Close() error               { return nil }

// testBombs sends little that becomes much: the limits hold for what was unpacked.
// What is beyond what a message may ever have is refused by the transport, which
// names no reason.
func testBombs(t *testing.T, d *desk) {
	testkit.Prove(t, testkit.GRPC, "B04")
	for _, size := range []int{rpc.MaxRequest + 1, 16 << 20} {
		for area, conn := range map[string]grpc.ClientConnInterface{
			"a service": d.Conn("contact", d.caller), "the gateway": d.Conn("platform", d.caller),
		} {
			var answer rpc.Frame
			m := d.method("CreateContact")
			err := conn.Invoke(t.Context(), m.Full, &rpc.Frame{Payload: make([]byte, size)}, &answer,
				grpc.ForceCodecV2(rpc.Codec()), grpc.UseCompressor(gzipcodec.Name), grpc.MaxCallSendMsgSize(size))
			if status.Code(err) != codes.ResourceExhausted || size <= 2*rpc.MaxRequest && errs.Reason(err) != "REQUEST_TOO_LARGE" {
				t.Errorf("%d bytes in a few, to %s: %v", size, area, err)
			}
		}
	}
	testkit.Prove(t, testkit.OverREST, "B04")
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(bytes.Repeat([]byte(" "), 16<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b, _ := d.bodyOf(t, d.method("CreateContact"))
	req := b.sending(packed.Bytes())
	req.Header = req.Header.Clone()
	req.Header.Set("Content-Encoding", "gzip")
	if a, _ := d.send(t, b.method, req); a.HTTP != http.StatusUnsupportedMediaType || errs.Reason(a.Status.Err()) != "MEDIA_TYPE_UNSUPPORTED" {
		t.Errorf("a compressed body answers %d %v", a.HTTP, a.Status)
	}
}

// testHeaders sends headers that are too large or too many, and deadlines that make
// no sense, which over REST are nobody's business.
func testHeaders(t *testing.T, d *desk) {
	testkit.Prove(t, testkit.OverREST, "B05", "B43")
	m := d.method("ListContacts")
	many := map[string]string{}
	for i := range 500 {
		many[fmt.Sprintf("X-Header-%d", i)] = "x"
	}
	for input, test := range map[string]struct {
		headers map[string]string
		status  int
	}{
		"a header of 64 KiB":         {map[string]string{"X-Large": strings.Repeat("x", 64<<10)}, http.StatusRequestHeaderFieldsTooLarge},
		"500 headers":                {many, http.StatusRequestHeaderFieldsTooLarge},
		"a deadline of years":        {map[string]string{"Grpc-Timeout": "99999999H"}, http.StatusOK},
		"a negative deadline":        {map[string]string{"Grpc-Timeout": "-1S"}, http.StatusOK},
		"a deadline of a nanosecond": {map[string]string{"Grpc-Timeout": "1n"}, http.StatusOK},
		"another method":             {map[string]string{"X-HTTP-Method-Override": "DELETE"}, http.StatusOK},
		"somebody else's token":      {map[string]string{"Grpc-Metadata-Authorization": "Bearer x"}, http.StatusOK},
		"a caller of another place":  {map[string]string{"X-Forwarded-For": "127.0.0.1, ::1", "X-Forwarded-Host": "evil.example"}, http.StatusOK},
	} {
		req := asked(t, d, m, &contactv1.ListContactsRequest{}, "pageSize=1")
		for name, value := range test.headers {
			req.Header.Set(name, value)
		}
		if a, _ := d.send(t, m, req); a.HTTP != test.status {
			t.Errorf("%s: answered %d %v, want %d", input, a.HTTP, a.Status, test.status)
		}
	}
}
