package main_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// importedRows is how many rows the file has: several steps of an import.
const importedRows = 12_000

// importFile answers a file and how many of its rows are there, created, updated,
// skipped and failed: of each ten the ninth is empty and the tenth cannot be read,
// and of each hundred the second is about the person of the first.
func importFile() (file string, want [5]int64) {
	var b strings.Builder
	b.WriteString("First Name,Email\n")
	want[0] = importedRows
	for n := range importedRows {
		switch {
		case n%10 == 8:
			b.WriteString(",\n")
			want[3]++
		case n%10 == 9:
			b.WriteString("No\u202ebody,\n")
			want[4]++
		case n%100 == 1:
			fmt.Fprintf(&b, "Again %d,p%d@example.com\n", n, n-1)
			want[2]++
		default:
			fmt.Fprintf(&b, "Person %d,p%d@example.com\n", n, n)
			want[1]++
		}
	}
	return b.String(), want
}

// TestKillNine_import kills the whole suite in the middle of an import, twice. Each
// time it goes on by itself where it stopped: in the end each row of the file counts
// once, and every contact is there once (I1, I3, F01, B26).
func TestKillNine_import(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := up(t, dir)
	file, want := importFile()
	name := startImport(t, s, file)
	for range 2 {
		before := imported(t, s, name).GetCounts().GetRows()
		for imported(t, s, name).GetCounts().GetRows() == before {
			time.Sleep(time.Millisecond)
		}
		i := imported(t, s, name)
		if i.GetState() != bulkv1.ImportState_IMPORT_STATE_RUNNING {
			t.Fatalf("the import is %s before it could be killed: give it more rows", i.GetState())
		}
		s.kill(t)
		s = up(t, dir)
	}
	deadline := time.Now().Add(time.Minute)
	i := imported(t, s, name)
	for ; i.GetState() == bulkv1.ImportState_IMPORT_STATE_RUNNING && time.Now().Before(deadline); i = imported(t, s, name) {
		time.Sleep(50 * time.Millisecond)
	}
	c := i.GetCounts()
	if got := [5]int64{c.GetRows(), c.GetCreated(), c.GetUpdated(), c.GetSkipped(), c.GetFailed()}; got != want || i.GetState() != bulkv1.ImportState_IMPORT_STATE_DONE {
		t.Errorf("%s with %v, want %v (rows, created, updated, skipped, failed)", i.GetState(), got, want)
	}
	checkReport(t, s, name)
	checkImported(t, s, want[1])
	s.stop(t)
}

// startImport uploads a file and lets it run.
func startImport(t *testing.T, s *suite, file string) string {
	t.Helper()
	client := contactv1.NewImportServiceClient(s.conn(t))
	stream, err := client.UploadImport(s.ctx(t))
	if err != nil {
		t.Fatal(err)
	}
	spec := &bulkv1.Import{Kind: "contacts", FileName: "people.csv"}
	_ = stream.Send(&bulkv1.UploadImportRequest{Part: &bulkv1.UploadImportRequest_Import{Import: spec}}) // the answer tells what was wrong
	const piece = 100 << 10
	for from := 0; from < len(file); from += piece {
		_ = stream.Send(&bulkv1.UploadImportRequest{Part: &bulkv1.UploadImportRequest_Chunk{Chunk: []byte(file[from:min(from+piece, len(file))])}})
	}
	i, err := stream.CloseAndRecv()
	if err == nil {
		i, err = client.RunImport(s.ctx(t), &bulkv1.RunImportRequest{Name: i.GetName()})
	}
	if err != nil {
		t.Fatal(err)
	}
	return i.GetName()
}

func imported(t *testing.T, s *suite, name string) *bulkv1.Import {
	t.Helper()
	i, err := contactv1.NewImportServiceClient(s.conn(t)).GetImport(s.ctx(t), &bulkv1.GetImportRequest{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// checkReport expects each line of the file in the report once.
func checkReport(t *testing.T, s *suite, name string) {
	t.Helper()
	client, lines := contactv1.NewImportServiceClient(s.conn(t)), map[int64]int{}
	for token := ""; ; {
		page, err := client.ListImportRows(s.ctx(t), &bulkv1.ListImportRowsRequest{Parent: name, PageSize: 1000, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range page.GetRows() {
			lines[row.GetLine()]++
		}
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	for line := range int64(importedRows) {
		if n := lines[line+2]; n != 1 {
			t.Fatalf("line %d is reported %d times", line+2, n)
		}
	}
	if len(lines) != importedRows {
		t.Errorf("%d lines are reported, want %d", len(lines), importedRows)
	}
}

// checkImported expects so many contacts, each under an address of its own.
func checkImported(t *testing.T, s *suite, want int64) {
	t.Helper()
	client, addresses := contactv1.NewContactServiceClient(s.conn(t)), map[string]int{}
	for token := ""; ; {
		page, err := client.ListContacts(s.ctx(t), &contactv1.ListContactsRequest{PageSize: 1000, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.GetContacts() {
			for _, i := range c.GetIdentifiers() {
				if addresses[i.GetValue()]++; addresses[i.GetValue()] > 1 {
					t.Fatalf("%s is the address of %d contacts", i.GetValue(), addresses[i.GetValue()])
				}
			}
		}
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	if int64(len(addresses)) != want {
		t.Errorf("%d contacts are there, want %d", len(addresses), want)
	}
}
