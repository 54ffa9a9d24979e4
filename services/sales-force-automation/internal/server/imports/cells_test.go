package imports

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/bulk"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/pipeline"
)

// Amounts as people of several countries write them.
func TestPlain(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"1,250.50": "1250.50", "24,000.00": "24000.00", "1.250,50": "1250.50", "Rp 1.250.000": "1250000", "75000.0": "75000.0",
		"12,5": "12.5", "12,500": "12500", "1,234,567": "1234567", "€ 7": "7", "7 USD": "7", "-5": "-5", "1'000.25": "1000.25",
		"1\u202f250,5": "1250.5", "a lot": "a lot", "12abc34": "12abc34", "": "",
	} {
		if got := plain(cell); got != want {
			t.Errorf("plain(%q) = %q, want %q", cell, got, want)
		}
	}
}

func TestAmountOf(t *testing.T) {
	t.Parallel()
	for _, cell := range []string{"a lot", "1-2", "--5", "$"} {
		row := bulk.Row{Values: map[string][]string{fieldAmount: {cell}}}
		if m, err := amountOf(row, fieldAmount, "IDR"); err == nil {
			t.Errorf("%q is %v", cell, m)
		}
	}
	if m, err := amountOf(bulk.Row{}, fieldAmount, "IDR"); m != nil || err != nil {
		t.Errorf("an empty cell is %v, %v", m, err)
	}
}

// Stages of other systems, by id, name, usual words and probability.
func TestStageOf(t *testing.T) {
	t.Parallel()
	p := pipeline.Standard()
	for _, c := range []struct {
		word        string
		probability *int32
		want        string
	}{
		{"proposal", nil, "proposal"}, {"needs analysis", nil, "needs-analysis"}, {"prospecting", nil, "qualification"}, {"engaging", nil, "needs-analysis"},
		{"contract sent", proto.Int32(90), "negotiation"}, {"negotiation/review", nil, "negotiation"},
		{"stage four", proto.Int32(60), "proposal"}, {"stage four", nil, ""}, {"", nil, ""},
	} {
		if got := stageOf(p, c.word, c.probability); got != c.want {
			t.Errorf("stageOf(%q) = %q, want %q", c.word, got, c.want)
		}
	}
}
