package live

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/server/sse"
)

const (
	// heartbeat is how often a comment tells that the stream lives.
	heartbeat = 15 * time.Second
	// longest is how long a stream lasts: then the caller comes back and shows its
	// token again.
	longest = 15 * time.Minute
	// maxFilters bounds the values of one parameter.
	maxFilters = 50
)

// allowed are the roles that see every record of their tenant, but for what is kept
// from some of them; unbound are those from whom nothing is.
var (
	allowed = []auth.Role{auth.Admin, auth.Manager, auth.Analyst, auth.Operator, auth.Service}
	unbound = []auth.Role{auth.Admin, auth.Service}
)

var (
	errRole   = errs.Denied("RPC_NOT_ALLOWED", "your role does not allow this call")
	kindName  = regexp.MustCompile(`^[A-Za-z0-9_.]{1,200}(\.\*)?$`)
	contactID = regexp.MustCompile(`^contacts/[0-9a-f-]{36}$`)
)

// filter is what a caller wants to hear; empty lists want all.
type filter struct{ kinds, contacts []string }

func (f filter) wants(t told) bool {
	kind := len(f.kinds) == 0 || slices.ContainsFunc(f.kinds, func(k string) bool {
		beginning, ok := strings.CutSuffix(k, "*")
		return k == t.kind || ok && strings.HasPrefix(t.kind, beginning)
	})
	return kind && (len(f.contacts) == 0 || slices.ContainsFunc(t.contacts, func(c string) bool { return slices.Contains(f.contacts, c) }))
}

func readFilter(r *http.Request) (filter, error) {
	var wrong []errs.Violation
	query := r.URL.Query()
	for name := range query {
		if name != "type" && name != "contact" {
			wrong = append(wrong, errs.Violation{Field: name[:min(len(name), 64)], Reason: "FIELD_UNKNOWN", Description: "there is no such parameter"})
		}
	}
	check := func(name string, form *regexp.Regexp) {
		values := query[name]
		bad := slices.ContainsFunc(values, func(v string) bool { return !form.MatchString(v) })
		if bad || len(values) > maxFilters {
			wrong = append(wrong, errs.Violation{Field: name, Description: "has another form, or too many values"})
		}
	}
	check("type", kindName)
	check("contact", contactID)
	return filter{kinds: query["type"], contacts: query["contact"]}, errs.Check(wrong)
}

// Serve answers the stream of the caller in the request's context. It answers an
// error only while nothing was written.
func (h *Hub) Serve(w http.ResponseWriter, r *http.Request) error {
	caller := auth.From(r.Context())
	if !slices.ContainsFunc(allowed, caller.Has) {
		return errRole
	}
	f, err := readFilter(r)
	if err != nil {
		return err
	}
	after, err := lastEvent(r)
	if err != nil {
		return err
	}
	l, err := h.join(caller.Tenant, caller.Tenant.String()+"/"+caller.Subject, f)
	if err != nil {
		return err
	}
	defer h.leave(l)
	w.Header().Set("Content-Type", sse.MediaType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	s := &stream{w: w, control: http.NewResponseController(w)}
	if s.write("retry: 2000\n\n") == nil {
		h.follow(r, l, s, after)
	}
	return nil
}

// lastEvent reads where to go on; Nil where the caller did not say.
func lastEvent(r *http.Request) (uuid.UUID, error) {
	header := r.Header.Get("Last-Event-ID")
	if header == "" {
		return uuid.Nil, nil
	}
	id, err := uuid.Parse(header)
	if err != nil {
		return uuid.Nil, errs.Invalid("Last-Event-ID", "", "must be the id of an event")
	}
	return id, nil
}

// follow writes events until the caller hangs up, cannot keep up, or has listened
// for long enough.
func (h *Hub) follow(r *http.Request, l *listener, s *stream, after uuid.UUID) {
	say := func(t told) error {
		if !h.hears(auth.From(r.Context()), t.event) {
			return nil
		}
		t, err := h.allow(r.Context(), auth.From(r.Context()), t)
		if err != nil {
			return errors.Join(errGone, err) // the caller comes back
		}
		return s.say(t)
	}
	var upTo uint64
	if after != uuid.Nil {
		var found bool
		var err error
		upTo, found, err = h.resume(r.Context(), l, after, say)
		if err != nil && !errors.Is(err, errGone) {
			h.log.WarnContext(r.Context(), "a stream could not be resumed", "cause", err.Error())
			return // the caller comes back
		}
		if err != nil || !found && s.write("event: reset\ndata: {}\n\n") != nil {
			return
		}
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	enough := time.NewTimer(longest)
	defer enough.Stop()
	for {
		var err error
		select {
		case <-r.Context().Done():
			return
		case <-l.lost:
			return
		case <-enough.C:
			return
		case <-beat.C:
			err = s.write(": alive\n\n")
		case t := <-l.events:
			if t.seq > upTo {
				err = say(t)
			}
		}
		if err != nil {
			return
		}
	}
}

// errGone says that the caller does not read any more.
var errGone = errors.New("the caller is gone")

// stream writes server-sent events.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (s *stream) write(text string) error {
	if _, err := s.w.Write([]byte(text)); err != nil {
		return errors.Join(errGone, err)
	}
	return s.control.Flush()
}

// say writes one event.
func (s *stream) say(t told) error { return s.write(string(sse.Event(t.id, t.kind, t.json))) }
