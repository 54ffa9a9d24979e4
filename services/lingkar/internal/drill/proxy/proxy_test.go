package proxy_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/proxy"
)

// echo answers the address of a server that sends back what it gets.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	return l.Addr().String()
}

func start(t *testing.T) (*proxy.Proxy, net.Conn) {
	t.Helper()
	p, err := proxy.Listen("test>echo", echo(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p, dial(t, p)
}

func dial(t *testing.T, p *proxy.Proxy) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.Port()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// call sends a word and expects it back.
func call(conn net.Conn, word string) error {
	if _, err := conn.Write([]byte(word)); err != nil {
		return err
	}
	return expect(conn, word)
}

func expect(conn net.Conn, word string) error {
	got := make([]byte, len(word))
	if _, err := io.ReadFull(conn, got); err != nil {
		return err
	}
	if !bytes.Equal(got, []byte(word)) {
		return fmt.Errorf("%q came back as %q", word, got)
	}
	return nil
}

// silent expects nothing to come for a moment.
func silent(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read %d bytes, %v; want silence", n, err)
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
}

// What a black hole held back arrives when it heals, on old connections and on new
// ones (F13).
func TestProxy_blackhole(t *testing.T) {
	t.Parallel()
	p, conn := start(t)
	if err := call(conn, "before"); err != nil {
		t.Fatal(err)
	}
	p.Set(proxy.Conditions{Blackhole: true})
	young := dial(t, p)
	for _, c := range []net.Conn{conn, young} {
		if _, err := c.Write([]byte("held")); err != nil {
			t.Fatal(err)
		}
		silent(t, c)
	}
	p.Clear()
	for _, c := range []net.Conn{conn, young} {
		if err := expect(c, "held"); err != nil {
			t.Error(err)
		}
	}
}

// A reset is told as one, and the next connection works (F15).
func TestProxy_reset(t *testing.T) {
	t.Parallel()
	p, conn := start(t)
	if err := call(conn, "before"); err != nil {
		t.Fatal(err)
	}
	if n := p.Reset(); n != 1 {
		t.Errorf("%d connections were reset, want 1", n)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a reset reads as %v", err)
	}
	if err := call(dial(t, p), "after"); err != nil {
		t.Error(err)
	}
}

// A half-open connection takes everything and answers nothing, until the host
// behind is asked again and resets it (F16).
func TestProxy_halfOpen(t *testing.T) {
	t.Parallel()
	p, conn := start(t)
	if err := call(conn, "before"); err != nil {
		t.Fatal(err)
	}
	p.Forget()
	if _, err := conn.Write([]byte("lost")); err != nil {
		t.Fatal(err)
	}
	silent(t, conn)
	if err := call(dial(t, p), "a new connection"); err != nil {
		t.Error(err)
	}
	p.Remember()
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("after healing it reads as %v", err)
	}
}

// Slow and narrow networks change no byte (F14).
func TestProxy_slow(t *testing.T) {
	t.Parallel()
	p, conn := start(t)
	p.Set(proxy.Conditions{Latency: 5 * time.Millisecond, Jitter: 5 * time.Millisecond, Bandwidth: 1 << 20})
	sent := bytes.Repeat([]byte("0123456789abcdef"), 8<<10)
	go func() { _, _ = conn.Write(sent) }()
	if err := expect(conn, string(sent)); err != nil {
		t.Error(err)
	}
}

// A closed end is passed on as one.
func TestProxy_passesTheEndOn(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	if _, err := conn.Write([]byte("all")); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); err != nil || string(got) != "all" {
		t.Errorf("read %q, %v", got, err)
	}
}
