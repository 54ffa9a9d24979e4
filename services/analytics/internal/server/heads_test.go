package server

import (
	"errors"
	"testing"
	"time"
)

// A section is stale when its area is known to be ahead of what was applied, or
// has not answered for a while. A silent area does not forget how far it was.
func TestHeads_stale(t *testing.T) {
	t.Parallel()
	const partition = 3
	at := func(position int64, age time.Duration) areaHeads {
		return areaHeads{positions: map[int32]int64{partition: position}, answered: time.Now().Add(-age)}
	}
	silent := areaHeads{err: errors.New("no answer")}
	cases := map[string]struct {
		answers []areaHeads
		applied int64
		want    error
	}{
		"nobody has asked yet":           {nil, 0, nil},
		"all applied":                    {[]areaHeads{at(7, 0)}, 7, nil},
		"applied more than was asked":    {[]areaHeads{at(7, 0)}, 9, nil},
		"behind":                         {[]areaHeads{at(7, 0)}, 6, errBehind},
		"silent for a moment":            {[]areaHeads{at(7, time.Second), silent}, 7, nil},
		"silent for long":                {[]areaHeads{at(7, time.Minute), silent}, 7, errAway},
		"silent, and known to be ahead":  {[]areaHeads{at(7, time.Minute), silent}, 6, errBehind},
		"back after it was silent":       {[]areaHeads{at(7, time.Minute), silent, at(8, 0)}, 8, nil},
		"never answered since the start": {[]areaHeads{{answered: time.Now().Add(-time.Minute)}, silent}, 0, errAway},
	}
	for name, c := range cases {
		h := heads{areas: map[string]areaHeads{}}
		for _, answer := range c.answers {
			h.set("sales", answer)
		}
		if got := h.stale("sales", partition, c.applied); !errors.Is(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		if got := h.stale("ticket", partition, 0); got != nil {
			t.Errorf("%s: another area is %v", name, got)
		}
	}
}
