//go:build !linux

package bench

import (
	"errors"
	"time"
)

var errNoProc = errors.New("processor time and memory are read from /proc, which Linux has")

func processorTime(int, bool) (time.Duration, error) { return 0, errNoProc }

func children(int) ([]int, error) { return nil, errNoProc }

func memory(int) (float64, error) { return 0, errNoProc }
