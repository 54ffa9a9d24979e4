//go:build unix

package pgserver

import (
	"context"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

// settings answers the command line of postgres: ours, overridden by the
// caller's. Sockets is the directory of its socket, "" for none.
func settings(o Options, port int, sockets string) []string {
	connections := o.MaxConnections
	if connections == 0 {
		connections = 300
	}
	all := map[string]string{
		"port":                       strconv.Itoa(port),
		"listen_addresses":           "127.0.0.1",
		"unix_socket_directories":    sockets,
		"unix_socket_permissions":    "0700",
		"max_connections":            strconv.Itoa(connections),
		"shared_buffers":             strconv.FormatUint(sharedBuffers(memory()), 10) + "MB",
		"max_wal_size":               "2GB",
		"checkpoint_timeout":         "15min", // each checkpoint costs a copy of every page that is changed after it
		"wal_compression":            "on",
		"random_page_cost":           "1.1", // solid-state storage
		"jit":                        "off", // short queries: compiling costs more than it saves
		"log_min_duration_statement": "500",
		"log_lock_waits":             "on",
		"timezone":                   "UTC",
		"log_timezone":               "UTC",
	}
	if o.UnsafeFast {
		maps.Copy(all, map[string]string{
			"shared_buffers":     strconv.Itoa(leastBuffers) + "MB",
			"fsync":              "off",
			"synchronous_commit": "off",
			"full_page_writes":   "off",
			"checkpoint_timeout": "1h",
			"wal_level":          "minimal", // copies of databases skip the log
			"max_wal_senders":    "0",
			"autovacuum_naptime": "10min",
		})
	}
	maps.Copy(all, o.Settings)
	var args []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		args = append(args, "-c", name+"="+all[name])
	}
	return args
}

// leastBuffers and mostBuffers bound how many MB PostgreSQL may keep of its pages.
const (
	leastBuffers = 256
	mostBuffers  = 2048
)

// sharedBuffers answers how many MB PostgreSQL keeps of its pages on a machine with so
// many bytes of memory, 0 where that is not known: a sixteenth of it. A page that finds
// no room has to wait until another is written out, and changes among a million
// customers touch pages all over.
func sharedBuffers(memory uint64) uint64 {
	return min(max(memory>>20/16, leastBuffers), mostBuffers)
}

// cheapLog answers the options with the compression of pages in the write-ahead log
// that costs least: lz4, where the server was built with it. That of every server took
// half of the time of a backend that writes to a million customers.
func cheapLog(ctx context.Context, bin Binaries, data string, o Options, a *account) Options {
	const name, best = "wal_compression", "lz4"
	if _, set := o.Settings[name]; set || o.UnsafeFast {
		return o
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin.Dir, "postgres"), "-D", data, "-C", name, "-c", name+"="+best)
	cmd.Env, cmd.Dir, cmd.SysProcAttr = environment(), "/", a.attributes()
	if cmd.Run() != nil {
		return o // it knows no lz4
	}
	o.Settings = maps.Clone(o.Settings)
	if o.Settings == nil {
		o.Settings = map[string]string{}
	}
	o.Settings[name] = best
	return o
}
