package lint_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	// Vendored files that our contracts use are linked through them; these are
	// the rest.
	_ "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	_ "cloud.google.com/go/longrunning/autogen/longrunningpb"
	_ "google.golang.org/genproto/googleapis/api/httpbody"
	_ "google.golang.org/genproto/googleapis/rpc/code"
	_ "google.golang.org/genproto/googleapis/rpc/errdetails"
	_ "google.golang.org/genproto/googleapis/type/decimal"
	_ "google.golang.org/genproto/googleapis/type/interval"
)

// The vendored files are what generation reads, and the packages of go.mod are
// what runs: a difference would show in no other test.
func TestVendored_equalsWhatIsLinked(t *testing.T) {
	t.Parallel()
	buf := findBuf(t)
	for _, module := range []string{"googleapis", "protovalidate"} {
		set := buildImage(t, buf, filepath.Join("..", "third_party", module))
		compared := 0
		for _, vendored := range set.GetFile() {
			if _, err := os.Stat(filepath.Join("..", "third_party", module, vendored.GetName())); err != nil {
				continue // what buf itself brings, such as google/protobuf
			}
			linked, err := protoregistry.GlobalFiles.FindFileByPath(vendored.GetName())
			if err != nil {
				t.Errorf("%s is vendored, but not linked: %v", vendored.GetName(), err)
				continue
			}
			vendored.SourceCodeInfo = nil
			if want := protodesc.ToFileDescriptorProto(linked); !proto.Equal(normal(t, vendored), normal(t, want)) {
				t.Errorf("%s differs from the package in go.mod", vendored.GetName())
			}
			compared++
		}
		if compared == 0 {
			t.Errorf("nothing of %s was compared", module)
		}
	}
}

// normal resolves options that were read as unknown fields.
func normal(t *testing.T, f *descriptorpb.FileDescriptorProto) *descriptorpb.FileDescriptorProto {
	t.Helper()
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var again descriptorpb.FileDescriptorProto
	if err := proto.Unmarshal(data, &again); err != nil {
		t.Fatal(err)
	}
	return &again
}

// findBuf answers the path of buf, which deploy/generate.sh installs.
func findBuf(t *testing.T) string {
	t.Helper()
	ours, err := filepath.Abs("../../bin/buf")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(ours); err == nil {
		return ours
	}
	path, err := exec.LookPath("buf")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("buf is missing: run deploy/generate.sh")
		}
		t.Skip("buf is missing: run deploy/generate.sh")
	}
	return path
}

func buildImage(t *testing.T, buf, module string) *descriptorpb.FileDescriptorSet {
	t.Helper()
	var out, problems bytes.Buffer
	cmd := exec.Command(buf, "build", module, "--as-file-descriptor-set", "-o", "-")
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("buf build %s: %v\n%s", module, err, problems.String())
	}
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(out.Bytes(), &set); err != nil {
		t.Fatal(err)
	}
	return &set
}
