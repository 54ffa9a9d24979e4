package lint_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	_ "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	_ "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	_ "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	_ "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	_ "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	_ "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	_ "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/proto/lint"
)

// ours answers the descriptors of every file under proto/lingkar.
func ours(t *testing.T) []protoreflect.FileDescriptor {
	t.Helper()
	root := os.DirFS("..")
	var files []protoreflect.FileDescriptor
	err := fs.WalkDir(root, "lingkar", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".proto" {
			return err
		}
		file, err := protoregistry.GlobalFiles.FindFileByPath(path)
		if err != nil {
			t.Errorf("%s is not generated, or its package is not imported by this test", path)
			return nil
		}
		files = append(files, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestContracts_followTheStandard(t *testing.T) {
	t.Parallel()
	for _, finding := range lint.Check(ours(t)) {
		t.Error(finding)
	}
}

// Each area's log is its own service, of the shared messages, and none of those
// is offered over HTTP.
func TestContracts_offerNoLogOverHTTP(t *testing.T) {
	t.Parallel()
	for _, file := range ours(t) {
		for i := range file.Services().Len() {
			s := file.Services().Get(i)
			if internal := s.Name() == "EventLogService" || s.Name() == "KeyService"; !internal {
				continue
			}
			for j := range s.Methods().Len() {
				if options := s.Methods().Get(j).Options(); strings.Contains(options.(interface{ String() string }).String(), "google.api.http") {
					t.Errorf("%s is offered over HTTP", s.Methods().Get(j).FullName())
				}
			}
		}
	}
}
