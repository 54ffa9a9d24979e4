package cluster

import (
	"context"
	"fmt"
	"net/http"
	"syscall"
	"time"
)

// readyTimeout is how long a service may take to become ready.
const readyTimeout = 60 * time.Second

// Service is one process of a service.
type Service struct {
	// Name is that of the process, such as "contact-1"; Area what it serves.
	Name, Area string

	service           string
	front             bool
	grpc, admin, http string
	process           *process
}

// Admin is the address of its private listener: metrics and health.
func (s *Service) Admin() string { return s.admin }

// Log is the file that takes what it logs.
func (s *Service) Log() string { return s.process.log }

// PID is its number, 0 where it does not run.
func (s *Service) PID() int { return s.process.pid() }

// Started is when the present run was started.
func (s *Service) Started() time.Time {
	s.process.mu.Lock()
	defer s.process.mu.Unlock()
	return s.process.started
}

// Start starts it, unless it runs.
func (s *Service) Start() error { return s.process.start() }

// Kill ends it by SIGKILL; it stays down until Start.
func (s *Service) Kill() { s.process.kill() }

// Stop ends it by SIGTERM and answers how long it took; not to end by itself
// before the context does is an error. It stays down until Start.
func (s *Service) Stop(ctx context.Context) (time.Duration, error) { return s.process.stop(ctx) }

// Pause stops it for a while.
func (s *Service) Pause() { s.process.signal(syscall.SIGSTOP) }

// Resume lets a paused one go on.
func (s *Service) Resume() { s.process.signal(syscall.SIGCONT) }

// Ready asks the process whether it can do its work.
func (s *Service) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.admin+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is not ready: %s", s.Name, resp.Status)
	}
	return nil
}

// AwaitReady waits until the process can do its work.
func (s *Service) AwaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		err := s.Ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not become ready: %w; see %s", s.Name, err, s.Log())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
