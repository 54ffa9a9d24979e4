package lint_test

import (
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/lingkar-crm/lingkar/proto/lint"
)

// Each case breaks one rule in the contract of teams, and must be found out.
func TestCheck_findsWhatIsBroken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file, want string
		spoil      func(*descriptorpb.FileDescriptorProto)
	}{
		"no request_id": {"team_service", "UpdateTeamRequest: must have string request_id", func(f *descriptorpb.FileDescriptorProto) {
			field(message(f, "UpdateTeamRequest"), "request_id").Name = proto.String("request_key")
		}},
		"wrong HTTP method": {"team_service", "UpdateTeam: must be PATCH, not POST", func(f *descriptorpb.FileDescriptorProto) {
			rule(f, "UpdateTeam").Pattern = &annotations.HttpRule_Post{Post: "/v1/{team.name=teams/*}"}
		}},
		"no filter": {"team_service", "ListTeamsRequest: must have string filter", func(f *descriptorpb.FileDescriptorProto) {
			field(message(f, "ListTeamsRequest"), "filter").Name = proto.String("where")
		}},
		"answers another message": {"team_service", "CreateTeam: must answer Team", func(f *descriptorpb.FileDescriptorProto) {
			f.Service[0].Method[0].OutputType = proto.String(".lingkar.platform.v1.ListTeamsResponse")
		}},
		"a verb without a colon": {"member_service", "its path must end in a :verb", func(f *descriptorpb.FileDescriptorProto) {
			f.Service[0].Method[0].Name = proto.String("HireMember")
		}},
		"a time that can be written": {"team", "create_time: must be OUTPUT_ONLY", func(f *descriptorpb.FileDescriptorProto) {
			behave(field(message(f, "Team"), "create_time"), annotations.FieldBehavior_OPTIONAL)
		}},
		"no behaviour": {"team", "description: must say its field_behavior", func(f *descriptorpb.FileDescriptorProto) {
			behave(field(message(f, "Team"), "description"))
		}},
		"a reference to nothing": {"team", `description: refers to "lingkar.dev/Squad"`, func(f *descriptorpb.FileDescriptorProto) {
			proto.SetExtension(field(message(f, "Team"), "description").Options, annotations.E_ResourceReference,
				&annotations.ResourceReference{Type: "lingkar.dev/Squad"})
		}},
		"a hidden personal field": {"events", "repeats messages with personal fields", func(f *descriptorpb.FileDescriptorProto) {
			m := message(f, "MemberUpdated")
			m.Field = append(m.Field, &descriptorpb.FieldDescriptorProto{
				Name: proto.String("colleagues"), Number: proto.Int32(9), JsonName: proto.String("colleagues"),
				Label:    descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum(),
				Type:     descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(),
				TypeName: proto.String(".lingkar.platform.v1.Member"),
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := "lingkar/platform/v1/" + test.file + ".proto"
			findings := strings.Join(lint.Check(withSpoilt(t, path, test.spoil)), "\n")
			if !strings.Contains(findings, test.want) {
				t.Errorf("found:\n%s\nwant %q", findings, test.want)
			}
		})
	}
}

// withSpoilt answers our files, one of them changed.
func withSpoilt(t *testing.T, path string, spoil func(*descriptorpb.FileDescriptorProto)) []protoreflect.FileDescriptor {
	t.Helper()
	files := ours(t)
	for i, file := range files {
		if file.Path() != path {
			continue
		}
		spoilt := protodesc.ToFileDescriptorProto(file)
		spoil(spoilt)
		rebuilt, err := protodesc.NewFile(spoilt, protoregistry.GlobalFiles)
		if err != nil {
			t.Fatal(err)
		}
		files[i] = rebuilt
	}
	return files
}

func message(f *descriptorpb.FileDescriptorProto, name string) *descriptorpb.DescriptorProto {
	for _, m := range f.MessageType {
		if m.GetName() == name {
			return m
		}
	}
	panic("no message " + name)
}

func field(m *descriptorpb.DescriptorProto, name string) *descriptorpb.FieldDescriptorProto {
	for _, f := range m.Field {
		if f.GetName() == name {
			return f
		}
	}
	panic("no field " + name)
}

func behave(f *descriptorpb.FieldDescriptorProto, behaviours ...annotations.FieldBehavior) {
	if len(behaviours) == 0 {
		proto.ClearExtension(f.Options, annotations.E_FieldBehavior)
		return
	}
	proto.SetExtension(f.Options, annotations.E_FieldBehavior, behaviours)
}

func rule(f *descriptorpb.FileDescriptorProto, rpc string) *annotations.HttpRule {
	for _, m := range f.Service[0].Method {
		if m.GetName() == rpc {
			return proto.GetExtension(m.Options, annotations.E_Http).(*annotations.HttpRule)
		}
	}
	panic("no method " + rpc)
}
