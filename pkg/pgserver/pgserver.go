// Package pgserver runs a real PostgreSQL as a child process: for `lingkar up`,
// where nobody should have to install a database first, and for tests.
//
// It promises that a data directory is never wiped, that one directory has one
// server (InUseError tells who has it), that a server left behind by a killed
// parent is found and stopped by the next start, that a lost password file is made
// again, and that writes survive a crash and a power cut unless Options.UnsafeFast
// is set. It listens on 127.0.0.1 and on a socket in its directory, with passwords.
//
// It takes installed binaries where there are any (15 or newer), else downloads
// the builds of the zonky project. It runs on Linux and macOS. On Linux the
// server ends with its parent, even a killed one; elsewhere it stays until the
// next Start on its directory.
package pgserver

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
)

// Superuser is the name of the administrator of every cluster made here.
const Superuser = "postgres"

// MinVersion is the oldest major version of PostgreSQL that Lingkar runs on.
const MinVersion = 15

// Options say where and how a server runs. Only Dir is required.
type Options struct {
	// Dir is the server's own directory: it holds the cluster, the log, the
	// password (mode 0600) and the state of the last start.
	Dir string
	// Port to listen on. 0 takes the port of the last start where it is free,
	// else any free one.
	Port int
	// Binaries is the directory of initdb and postgres; empty searches for one
	// (see Find) and downloads it where there is none.
	Binaries string
	// Repository is the Maven repository to download from; empty takes
	// $LINGKAR_PG_REPOSITORY, else Maven Central.
	Repository string
	// MaxConnections; 0 means 300.
	MaxConnections int
	// Settings are further server settings by name; they win over ours.
	Settings map[string]string
	// UnsafeFast gives up durability for speed: a crash of the machine can
	// destroy the cluster. For tests only.
	UnsafeFast bool
}

// InUseError says that another process runs a server on this directory.
type InUseError struct {
	Dir string
	// PID of that process, or 0 where it did not tell.
	PID int
}

// Error implements error.
func (e *InUseError) Error() string {
	return fmt.Sprintf("pgserver: %s is in use by process %d", e.Dir, e.PID)
}

// Server is a running PostgreSQL.
type Server struct {
	Address
	// PID of the postmaster.
	PID int
	// Version is the major version.
	Version int

	lock  *os.File
	child *child
}

// Address is how to reach a server.
type Address struct {
	// Port on 127.0.0.1.
	Port int
	// Dir is the directory the server was started on.
	Dir string

	password string
}

// URL answers how to reach a database as the superuser. It holds the password:
// keep it out of logs.
func (a Address) URL(database string) string {
	u := a.address(database)
	u.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(a.Port))
	return u.String()
}

// SocketURL is URL over the server's socket, which costs both sides less processor
// time than TCP does. It is URL itself where there is no socket: the directory has too
// long a name for one, or lies where there can be none.
func (a Address) SocketURL(database string) string {
	dir, port := filepath.Join(a.Dir, "data"), strconv.Itoa(a.Port)
	if _, err := os.Stat(filepath.Join(dir, socketPrefix+port)); err != nil {
		return a.URL(database)
	}
	u := a.address(database)
	query := u.Query()
	query.Set("host", dir)
	query.Set("port", port)
	u.RawQuery = query.Encode()
	return u.String()
}

// address is how the superuser comes to a database, less where the server is.
func (a Address) address(database string) *url.URL {
	return &url.URL{Scheme: "postgres", User: url.UserPassword(Superuser, a.password), Path: "/" + database, RawQuery: "sslmode=disable"}
}

const (
	// socketPrefix is what PostgreSQL calls a socket, before its port.
	socketPrefix = ".s.PGSQL."
	// longestSocket is how long the path of a socket may be on every system.
	longestSocket = 103
)

// socketDir answers where the socket of a cluster is to lie: in its own directory, which
// nobody else can enter, or "" where there can be none.
func socketDir(data string) string {
	if len(filepath.Join(data, socketPrefix+"65535")) > longestSocket {
		return ""
	}
	trial, err := net.Listen("unix", filepath.Join(data, socketPrefix+"0"))
	if err != nil {
		return "" // a file system without sockets
	}
	_ = trial.Close() // removes it
	return data
}

// Done is closed when the server has ended, for whatever reason.
func (s *Server) Done() <-chan struct{} { return s.child.done }
