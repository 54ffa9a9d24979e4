package bench

import (
	"context"
)

// measures are all rows, in the order of the table.
var measures = []measure{
	{id: "start-first", alone: true, run: startFirst},
	{id: "start", alone: true, run: start},
	{id: "take-over", alone: true, run: takeOver},
	{id: "memory-rest", run: memoryAtRest},
	{id: "create", run: create},
	{id: "record", run: record},
	{id: "change", run: change},
	{id: "get", run: get},
	{id: "rest-get", run: restGet},
	{id: "list", run: list},
	{id: "lists", run: lists},
	{id: "view", run: view},
	{id: "as-of", run: asOf},
	{id: "duplicates", run: duplicates},
	{id: "visible", run: visible},
	{id: "visible-1000", run: visibleFast},
	{id: "import", run: importContacts},
	{id: "relay", run: relay},
	{id: "catch-up", run: catchUp},
	{id: "rebuild", run: rebuild},
	{id: "overload", run: overload},
	{id: "memory-load", run: memoryUnderLoad},
}

func memoryAtRest(_ context.Context, b *bench) (*Row, error) {
	return b.memoryRow("memory of all services at rest", "150 MB", "80 MB", 150)
}

func memoryUnderLoad(_ context.Context, b *bench) (*Row, error) {
	return b.memoryRow("memory of all services after the loads", "400 MB", "200 MB", 400)
}

func (b *bench) memoryRow(what, first, goal string, most float64) (*Row, error) {
	used, err := memory(b.child.cmd.Process.Pid)
	if err != nil {
		return nil, err
	}
	return (&Row{Unit: "MB", Figure: spread([]float64{used})}).aim(what, first, goal, used <= most), nil
}
