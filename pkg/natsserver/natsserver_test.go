package natsserver_test

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/lingkar-crm/lingkar/pkg/natsserver"
)

func start(t *testing.T, dir string, port int) *natsserver.Server {
	t.Helper()
	s, err := natsserver.Start(natsserver.Options{Dir: dir, Port: port})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStart_keepsWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir, 0)
	publish(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	again := start(t, dir, 0)
	defer again.Close()
	conn, err := again.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "T")
	if err != nil {
		t.Fatal(err)
	}
	if n := stream.CachedInfo().State.Msgs; n != 1 {
		t.Fatalf("%d messages after a restart, want 1", n)
	}
}

func publish(t *testing.T, s *natsserver.Server) {
	t.Helper()
	conn, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "T", Subjects: []string{"t"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "t", []byte("x")); err != nil {
		t.Fatal(err)
	}
}

func TestStart_refusesADirectoryInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir, 0)
	if second, err := natsserver.Start(natsserver.Options{Dir: dir}); err == nil {
		second.Close()
		t.Fatal("two servers on one directory")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	third := start(t, dir, 0)
	third.Close()
}

func TestServer_opensNoPortUnlessAsked(t *testing.T) {
	t.Parallel()
	silent := start(t, t.TempDir(), 0)
	defer silent.Close()
	if silent.URL() != "" {
		t.Errorf("URL %q without a port", silent.URL())
	}
	open := start(t, t.TempDir(), -1)
	defer open.Close()
	if open.URL() == "" {
		t.Error("no URL with a port")
	}
}
