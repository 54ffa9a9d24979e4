package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

const (
	startTimeout = 3 * time.Minute
	stopTimeout  = time.Minute
)

// child is a suite that runs as a process of its own.
type child struct {
	HTTP, GRPC, Token, Tenant string

	cmd  *exec.Cmd
	said bytes.Buffer
	// started is when the process was.
	started time.Time
	done    chan struct{}
}

func startUp(ctx context.Context, program, dir string) (*child, error) {
	c := &child{done: make(chan struct{})}
	c.cmd = exec.Command(program, "up", "--data-dir", dir, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--output", "json")
	c.cmd.Env = append(os.Environ(), "LINGKAR_TENANT_RATE=0") // one tenant makes all calls
	c.cmd.Stderr = &c.said
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.cmd.SysProcAttr = bound()
	c.started = time.Now()
	failed, ready := make(chan error), make(chan error, 1)
	go func() {
		// The kernel ends the child with the thread that started it.
		runtime.LockOSThread()
		if err := c.cmd.Start(); err != nil {
			failed <- err
			return
		}
		close(failed)
		line, _ := bufio.NewReader(stdout).ReadString('\n') // an empty line is no JSON
		ready <- json.Unmarshal([]byte(line), c)
		_ = c.cmd.Wait() // how it ended is told by what it said
		close(c.done)
	}()
	if err := <-failed; err != nil {
		return nil, err
	}
	select {
	case err = <-ready:
	case <-time.After(startTimeout):
		err = errors.New("it is not ready")
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err == nil {
		return c, nil
	}
	c.stop()
	if said := strings.TrimSpace(c.said.String()); said != "" {
		err = errors.New(strings.TrimPrefix(said[strings.LastIndexByte(said, '\n')+1:], "lingkar: "))
	}
	return nil, fmt.Errorf("lingkar up: %w", err)
}

// dial connects to the suite as the holder of its first key.
func (c *child) dial() (*grpc.ClientConn, error) { return dial(c.GRPC, c.Token) }

func dial(addr, token string) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithPerRPCCredentials(bearer(token)), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(8<<20)))
}

// bearer shows a token on a connection of this machine.
type bearer string

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (bearer) RequireTransportSecurity() bool { return false }

// stop ends the suite as Ctrl-C does.
func (c *child) stop() {
	_ = c.cmd.Process.Signal(os.Interrupt) // fails where it has ended
	select {
	case <-c.done:
	case <-time.After(stopTimeout):
		_ = c.cmd.Process.Kill()
		<-c.done
	}
}

// used is processor time so far, by process.
type used struct{ suite, postgres time.Duration }

// processorTime answers the processor time of the suite and of PostgreSQL. The
// broker runs in the suite's process.
func (c *child) processorTime() (used, error) {
	var u used
	var err error
	if u.suite, err = processorTime(c.cmd.Process.Pid, false); err != nil {
		return u, err
	}
	postmasters, err := children(c.cmd.Process.Pid)
	if err != nil {
		return u, err
	}
	for _, postmaster := range postmasters {
		own, err := processorTime(postmaster, true)
		if err != nil {
			return u, err
		}
		u.postgres += own
		backends, err := children(postmaster)
		if err != nil {
			return u, err
		}
		for _, backend := range backends {
			if own, err := processorTime(backend, false); err == nil { // an error says that it ended
				u.postgres += own
			}
		}
	}
	return u, nil
}
