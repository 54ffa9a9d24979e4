package cli

import (
	"fmt"
	"io"
	"os"
	"time"
)

// telling is how often a log is told how something goes.
const telling = 10 * time.Second

// progress is a line that says how something goes. On a terminal it is written over
// itself; in a log or a pipe, where that would fill megabytes, it is a line of its own
// every ten seconds.
type progress struct {
	w        io.Writer
	terminal bool
	told     time.Time
}

func newProgress(w io.Writer) *progress {
	return &progress{w: w, terminal: isTerminal(w), told: time.Now()}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// tell writes how it goes now.
func (p *progress) tell(line string) {
	switch {
	case p.terminal:
		fmt.Fprintf(p.w, "\r%s ", line)
	case time.Since(p.told) >= telling:
		p.told = time.Now()
		fmt.Fprintln(p.w, line)
	}
}

// end writes how it went.
func (p *progress) end(line string) {
	if p.terminal {
		fmt.Fprint(p.w, "\r")
	}
	fmt.Fprintln(p.w, line)
}
