package httprule

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// Upload is an RPC that takes a file in pieces, which no google.api.http rule can
// tell. Over HTTP the file is the body of a POST to the path, and the fields of the
// message that comes first are parameters.
type Upload struct {
	// Area is the service that takes it, such as "contact".
	Area string
	// Method is the full method. Field 1 of its request is the message that comes
	// first, field 2 a piece of the file.
	Method string
	// Path is where the file is posted.
	Path string
	// MaxBytes is the size of the largest file.
	MaxBytes int64
	// Over says that a file is larger.
	Over error
}

// Piece is how much of a file one message carries, in bytes.
const Piece = 256 << 10

// Uploads are all of them.
var Uploads = []Upload{
	{Area: "contact", Method: "/lingkar.contact.v1.ImportService/UploadImport", Path: "/v1/contactImports", MaxBytes: 50 << 20, Over: errOver},
	{Area: "contact", Method: "/lingkar.contact.v1.DocumentService/UploadDocument", Path: "/v1/documents", MaxBytes: 100 << 20, Over: errOverDocument},
	{Area: "sales", Method: "/lingkar.sales.v1.ImportService/UploadImport", Path: "/v1/salesImports", MaxBytes: 50 << 20, Over: errOver},
}

var (
	errOver         = errs.Exhausted("REQUEST_TOO_LARGE", "the file is larger than 50 MiB", 0)
	errOverDocument = errs.Exhausted("REQUEST_TOO_LARGE", "the file is larger than 100 MiB", 0)
)

// UploadOf answers how a method takes a file; false where it takes none.
func UploadOf(method string) (Upload, bool) {
	for _, u := range Uploads {
		if u.Method == method {
			return u, true
		}
	}
	return Upload{}, false
}

// Messages make the messages of an upload's request and answer.
type Messages struct {
	request, answer protoreflect.MessageType
}

// Messages answers them. The method must be linked in.
func (u Upload) Messages() (Messages, error) {
	desc, err := Method(u.Method)
	if err != nil {
		return Messages{}, err
	}
	request, err := protoregistry.GlobalTypes.FindMessageByName(desc.Input().FullName())
	if err != nil {
		return Messages{}, err
	}
	answer, err := protoregistry.GlobalTypes.FindMessageByName(desc.Output().FullName())
	return Messages{request: request, answer: answer}, err
}

// First answers an empty message of what comes first, and the request that carries it.
func (m Messages) First() (described, request proto.Message) {
	r := m.request.New()
	return r.Mutable(r.Descriptor().Fields().ByNumber(1)).Message().Interface(), r.Interface()
}

// Piece answers the request that carries a piece of the file.
func (m Messages) Piece(data []byte) proto.Message {
	r := m.request.New()
	r.Set(r.Descriptor().Fields().ByNumber(2), protoreflect.ValueOfBytes(data))
	return r.Interface()
}

// Parts answers what a request carries: what comes first, or a piece.
func (m Messages) Parts(request proto.Message) (described proto.Message, piece []byte) {
	r := request.ProtoReflect()
	fields := r.Descriptor().Fields()
	if first := fields.ByNumber(1); r.Has(first) {
		return r.Get(first).Message().Interface(), nil
	}
	return nil, r.Get(fields.ByNumber(2)).Bytes()
}

// Answer answers an empty answer.
func (m Messages) Answer() proto.Message { return m.answer.New().Interface() }
