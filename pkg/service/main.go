package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/config"
)

const (
	startTimeout  = 2 * time.Minute
	healthTimeout = 3 * time.Second
)

// Main is the main function of a service's process. Without an argument it serves
// until SIGTERM or SIGINT; with one it does the chore and ends:
//
//	migrate      bring the database to the newest version, as its owner
//	healthcheck  ask the process beside it whether it can do its work
//	version      tell the version
//	help         tell the settings
func Main(d Definition) {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()
	if err := command(ctx, d, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", d.Name, err)
		os.Exit(1)
	}
}

func command(ctx context.Context, d Definition, args []string, out io.Writer) error {
	name := "run"
	if len(args) > 0 {
		name = args[0]
	}
	switch name {
	case "run":
		return Run(ctx, d)
	case "migrate":
		return migrateOnly(ctx, d)
	case "healthcheck":
		return checkHealth(ctx)
	case "version":
		_, err := fmt.Fprintln(out, d.Name, Version())
		return err
	case "help":
		return config.Usage(out, &settings{})
	default:
		return fmt.Errorf("there is no command %q: use run, migrate, healthcheck, version or help", name)
	}
}

// version is what the linker was told, as for an image, whose source has no history
// beside it.
var version string

// Version is that of the source the process was built from.
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return info.Main.Version
}

// Run serves with the settings of the environment, until the context ends or the
// service can serve no more.
func Run(ctx context.Context, d Definition) error {
	var s settings
	if err := config.Load(&s); err != nil {
		return err
	}
	env, closeAll, err := s.environment(ctx, d)
	if err != nil {
		return err
	}
	defer closeAll()
	starting, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	running, err := Start(starting, d, env)
	if err != nil {
		return err
	}
	env.Telemetry.Logger.Info("serving", "grpc", running.Addr, "http", running.HTTP, "admin", running.Admin, "version", Version())
	select {
	case <-ctx.Done():
	case err = <-running.Failed():
	}
	return errors.Join(err, running.Stop(context.Background()))
}

func migrateOnly(ctx context.Context, d Definition) error {
	var s struct {
		OwnerURL string `env:"DATABASE_OWNER_URL" secret:"true" required:"true" usage:"the database as role owner"`
	}
	if err := config.Load(&s); err != nil {
		return err
	}
	if err := Migrate(ctx, d, s.OwnerURL); err != nil {
		return err
	}
	for name := range d.Databases {
		owner, err := config.Secret(strings.ToUpper(name)+"_DATABASE_OWNER_URL", true)
		if err != nil {
			return err
		}
		if err := MigrateFurther(ctx, d, name, owner); err != nil {
			return err
		}
	}
	return nil
}

func checkHealth(ctx context.Context) error {
	var s struct {
		AdminListen string `env:"ADMIN_LISTEN" default:":9091"`
	}
	if err := config.Load(&s); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(s.AdminListen)
	if err != nil {
		return fmt.Errorf("LINGKAR_ADMIN_LISTEN: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return Ready(ctx, net.JoinHostPort(host, port))
}

// Ready asks the private listener of a service whether it can do its work.
func Ready(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", resp.Status)
	}
	return nil
}
