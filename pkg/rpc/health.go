package rpc

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"
)

// Readiness is the name by which health tells whether the service can do its
// work. The empty name tells whether it takes calls: balancers watch that one,
// because a service whose database is away still answers better than nobody.
const Readiness = "readiness"

const (
	readyEvery   = 2 * time.Second
	readyTimeout = time.Second
)

// SetServing tells health whether the server takes calls.
func (s *Server) SetServing(serving bool) {
	status := grpc_health_v1.HealthCheckResponse_NOT_SERVING
	if serving {
		status = grpc_health_v1.HealthCheckResponse_SERVING
	}
	s.serving.Store(serving)
	s.health.SetServingStatus("", status)
	s.health.SetServingStatus(Readiness, status)
}

// WatchReadiness asks Ready every two seconds and tells health, until the context
// ends. The service is then told to be not ready.
func (s *Server) WatchReadiness(ctx context.Context) {
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	for {
		s.tellReadiness(ctx)
		select {
		case <-ctx.Done():
			s.health.SetServingStatus(Readiness, grpc_health_v1.HealthCheckResponse_NOT_SERVING)
			return
		case <-tick.C:
		}
	}
}

func (s *Server) tellReadiness(ctx context.Context) {
	status := grpc_health_v1.HealthCheckResponse_SERVING
	if err := s.CheckReady(ctx); err != nil {
		if ctx.Err() != nil {
			return
		}
		status = grpc_health_v1.HealthCheckResponse_NOT_SERVING
		level := slog.LevelWarn
		if errors.Is(err, errStopping) {
			level = slog.LevelDebug // it is about to begin, or ends
		}
		s.log.Log(ctx, level, "not ready", "cause", err.Error())
	}
	s.health.SetServingStatus(Readiness, status)
}

var errStopping = errors.New("the server takes no calls")

// CheckReady says why the service cannot do its work, within a second.
func (s *Server) CheckReady(ctx context.Context) error {
	if !s.serving.Load() {
		return errStopping
	}
	if s.ready == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	return s.ready(ctx)
}

// Shutdown stops taking calls, lets those at work end until the context does,
// and then cuts them off.
func (s *Server) Shutdown(ctx context.Context) {
	s.SetServing(false)
	s.health.Shutdown()
	ended := make(chan struct{})
	go func() {
		s.GracefulStop()
		s.near.stop()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		s.Stop()
		s.near.cut()
		<-ended
	}
}
