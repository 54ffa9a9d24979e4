package server

import (
	"testing"

	"google.golang.org/protobuf/proto"

	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
)

// What rules about fields keep from a caller is taken from decoded records: no list of
// them is answered as it is kept.
func TestKept_holdsNoRecords(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("facts of a contact are answered as they are kept")
		}
	}()
	keptIn(&analyticsv1.AccountBalanceSection{}, "balances")
}

// Whoever decodes an answer finds what was added in its field, in order.
func TestKept_add(t *testing.T) {
	t.Parallel()
	answer := &analyticsv1.CustomerView{Name: "customers/C-1"}
	for _, title := range []string{"first", "second"} {
		entry, err := proto.Marshal(&analyticsv1.TimelineEntry{Title: title})
		if err != nil {
			t.Fatal(err)
		}
		viewEntries.add(answer, entry)
	}
	viewEntries.add(answer)
	wire, err := proto.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	read := &analyticsv1.CustomerView{}
	if err := proto.Unmarshal(wire, read); err != nil {
		t.Fatal(err)
	}
	if got := read.GetTimeline(); len(got) != 2 || got[0].GetTitle() != "first" || got[1].GetTitle() != "second" || read.GetName() != answer.GetName() || len(read.ProtoReflect().GetUnknown()) > 0 {
		t.Errorf("read %v", read)
	}
}
