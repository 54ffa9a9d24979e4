// Package failpoint names the places in the code where a crash, an error or a
// pause hurts most, and lets a fault drill cause one there.
//
// In an ordinary build Hit is a constant nil that the compiler removes: nothing
// can be armed, and the names are not in the binary. In a build with the tag
// "drill" a point acts as it was told by the environment variable
// LINGKAR_FAILPOINTS when the process started, or at run time through the
// handler that Handle adds to the private listener. A plan looks so:
//
//	relay.after_publish=exit@3; keys.fetch=error%10; write.before_commit=sleep:200ms
//
// Limits: a plan holds for the whole process, and what was hit is counted in
// memory: a process that exits at a point tells so on its standard error only.
package failpoint

// Environment is the variable that holds the plan of a process from its start, in
// a build for drills.
const Environment = "LINGKAR_FAILPOINTS"

// Point is the name of a place in the code.
type Point string

// The points of the write path.
const (
	// WriteBeforeCommit is where a transaction of role app is about to be
	// committed.
	WriteBeforeCommit Point = "write.before_commit"
	// WriteAfterCommit is where a change is committed, and neither its caller nor
	// the relay knows (F02).
	WriteAfterCommit Point = "write.after_commit"
	// WriteReplay is where an answer was found for a repeated request and is about
	// to be given again.
	WriteReplay Point = "write.replay"
)

// The points of the relay.
const (
	// RelayAfterLead is where a relay has taken the lead and done nothing with it.
	RelayAfterLead Point = "relay.after_lead"
	// RelayAfterSequence is where events have their positions and are not
	// published.
	RelayAfterSequence Point = "relay.after_sequence"
	// RelayAmidPublish is where some of several events were handed to the broker.
	RelayAmidPublish Point = "relay.amid_publish"
	// RelayAfterPublish is where events are published and not marked so (F03).
	RelayAfterPublish Point = "relay.after_publish"
)

// The points of the projections.
const (
	// ProjectionBeforeApply is where events were read and nothing of them applied.
	ProjectionBeforeApply Point = "projection.before_apply"
	// ProjectionBeforeCommit is where events are applied in a transaction that is
	// about to be committed.
	ProjectionBeforeCommit Point = "projection.before_commit"
	// ProjectionAfterCommit is where events are applied and the projection does
	// not know that it may go on (F04).
	ProjectionAfterCommit Point = "projection.after_commit"
	// ProjectionCatchUp is where a projection has read a page of a log from its
	// source.
	ProjectionCatchUp Point = "projection.catch_up"
	// RebuildAfterBatch is in the middle of a rebuild, between two batches.
	RebuildAfterBatch Point = "rebuild.after_batch"
	// RebuildBeforeSwap is where the rebuilt tables are about to take the place of
	// the live ones.
	RebuildBeforeSwap Point = "rebuild.before_swap"
)

// The points of work in the background.
const (
	// ImportAfterStep is between two steps of an import.
	ImportAfterStep Point = "import.after_step"
	// ImportAfterUndo is between two steps that take an import back.
	ImportAfterUndo Point = "import.after_undo"
	// CampaignAfterClaim is where a campaign was claimed for sending.
	CampaignAfterClaim Point = "campaign.after_claim"
	// CampaignAfterPlan is where touches are planned and the cursor of the members
	// has not moved past them.
	CampaignAfterPlan Point = "campaign.after_plan"
	// CampaignAfterSend is where some touches of a campaign are sent and others
	// are not.
	CampaignAfterSend Point = "campaign.after_send"
)

// The points of keys and migrations.
const (
	// KeysBeforeFetch is where a service is about to ask for the keys of contacts.
	KeysBeforeFetch Point = "keys.before_fetch"
	// KeysAfterFill is where new keys are stored and none of them was given out.
	KeysAfterFill Point = "keys.after_fill"
	// MigrateAfterSet is where one set of a database's migrations is applied and
	// the next is not.
	MigrateAfterSet Point = "migrate.after_set"
)

// Points are all points there are.
func Points() []Point {
	return []Point{
		WriteBeforeCommit, WriteAfterCommit, WriteReplay,
		RelayAfterLead, RelayAfterSequence, RelayAmidPublish, RelayAfterPublish,
		ProjectionBeforeApply, ProjectionBeforeCommit, ProjectionAfterCommit, ProjectionCatchUp,
		RebuildAfterBatch, RebuildBeforeSwap,
		ImportAfterStep, ImportAfterUndo, CampaignAfterClaim, CampaignAfterPlan, CampaignAfterSend,
		KeysBeforeFetch, KeysAfterFill, MigrateAfterSet,
	}
}
