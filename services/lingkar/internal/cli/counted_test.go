package cli

import "testing"

func TestCounted(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"0 entries": counted(0, "entry"),
		"1 entry":   counted(int64(1), "entry"),
		"2 entries": counted(2, "entry"),
		"1 block":   counted(int32(1), "block"),
		"12 blocks": counted(12, "block"),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
