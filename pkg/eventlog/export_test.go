package eventlog

// The points at which a test can stop a relay or a runner, and how.
const (
	AfterSequencing = afterSequencing
	AfterPublishing = afterPublishing
	BeforeApplying  = beforeApplying
	AfterApplying   = afterApplying
	LeaderLock      = leaderLock
)

// FailAt calls hook at each point. An error of Stop ends Run as a crash would.
func (r *Relay) FailAt(hook func(point string) error) { r.fail = hook }

// FailAt calls hook at each point. An error of Stop ends Run as a crash would.
func (r *Runner) FailAt(hook func(point string) error) { r.fail = hook }

// Stop is what a hook answers to end Run at the point.
func Stop(point string) error { return &stopped{point} }
