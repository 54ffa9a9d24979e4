package failpoint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind is what happens at a point.
type Kind string

// The kinds of actions.
const (
	// Exit ends the process as kill -9 would.
	Exit Kind = "exit"
	// Error makes the code go on as if what it just tried had failed.
	Error Kind = "error"
	// Sleep holds the code for a while.
	Sleep Kind = "sleep"
	// Panic panics.
	Panic Kind = "panic"
)

// Action is what happens at one point, and when.
type Action struct {
	Kind Kind
	// Pause is how long Sleep takes.
	Pause time.Duration
	// At is the hit, counted from 1, at which the action is done, once; 0 stands
	// for every hit.
	At int64
	// Percent is how probable the action is at a hit; 0 stands for always.
	Percent int
}

// String is the form that Parse reads.
func (a Action) String() string {
	s := string(a.Kind)
	if a.Kind == Sleep {
		s += ":" + a.Pause.String()
	}
	if a.At > 0 {
		s += "@" + strconv.FormatInt(a.At, 10)
	}
	if a.Percent > 0 {
		s += "%" + strconv.Itoa(a.Percent)
	}
	return s
}

// Plan is what happens at which points.
type Plan map[Point]Action

// String is the form that Parse reads, in the order of the names.
func (p Plan) String() string {
	var parts []string
	for point, act := range p {
		parts = append(parts, string(point)+"="+act.String())
	}
	slices.Sort(parts)
	return strings.Join(parts, "; ")
}

// Parse reads a plan: entries "point=kind[:pause][@hit][%percent]" with a
// semicolon or a line break between them. A point that does not exist is an
// error, and so is one that is named twice.
func Parse(text string) (Plan, error) {
	plan := Plan{}
	for entry := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ';' || r == '\n' }) {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		name, action, _ := strings.Cut(entry, "=")
		point := Point(strings.TrimSpace(name))
		if !slices.Contains(Points(), point) {
			return nil, fmt.Errorf("there is no failpoint %q", point)
		}
		if _, twice := plan[point]; twice {
			return nil, fmt.Errorf("failpoint %s is named twice", point)
		}
		act, err := parseAction(strings.TrimSpace(action))
		if err != nil {
			return nil, fmt.Errorf("failpoint %s: %w", point, err)
		}
		plan[point] = act
	}
	return plan, nil
}

func parseAction(text string) (a Action, err error) {
	rest, percent, some := strings.Cut(text, "%")
	if some {
		if a.Percent, err = strconv.Atoi(percent); err != nil || a.Percent < 1 || a.Percent > 100 {
			return a, fmt.Errorf("%q is no number of percent from 1 to 100", percent)
		}
	}
	rest, at, counted := strings.Cut(rest, "@")
	if counted {
		if a.At, err = strconv.ParseInt(at, 10, 64); err != nil || a.At < 1 {
			return a, fmt.Errorf("%q is no number of a hit, counted from 1", at)
		}
	}
	kind, pause, paused := strings.Cut(rest, ":")
	a.Kind = Kind(kind)
	switch {
	case a.Kind == Sleep:
		if a.Pause, err = time.ParseDuration(pause); err != nil || a.Pause <= 0 {
			return a, fmt.Errorf("%q is no length of time such as 200ms", pause)
		}
	case paused, a.Kind != Exit && a.Kind != Error && a.Kind != Panic:
		return a, fmt.Errorf("%q is none of exit, error, panic and sleep:<time>", rest)
	}
	return a, nil
}
