// Package customfield keeps the fields that tenants add to the records of a service:
// what they hold, what is checked when they are written, and an index of their values.
//
// It promises that a value which is written under the key of a field fits it, with one
// violation for each that does not; that nothing which is stored is ever refused to be
// read or to stay; that the index of a field is in step with the records in the same
// transaction, whoever writes them (triggers); and that writing a record takes no round
// trip more: a tenant's fields are at hand, and at most a second old, five where the
// database cannot be reached (Schemas).
//
// One service keeps the fields of all resources (Store). A service that takes part calls
// lingkar_custom_fields for its tables in a migration, lists Migrations among what it
// uses, gives record.Store.Custom the rules of a resource (Schemas.Rules), and runs
// Schemas.Watch and Builder.Run in the background. Where it is another service than that
// of the Store, it follows the fields by their events (Follow).
package customfield

import (
	"embed"
	"io/fs"
	"slices"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations make the tables of this package. They keep their version in VersionTable.
var Migrations = sub(files)

// VersionTable keeps the version of the tables.
const VersionTable = "custom_field_version"

func sub(files embed.FS) fs.FS {
	s, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err)
	}
	return s
}

// Type is what a field holds.
type Type int16

// The types, numbered as in the contract and in custom_key. How each is written in JSON
// is said there.
const (
	Text        Type = 1
	LongText    Type = 2
	Integer     Type = 3
	Decimal     Type = 4
	Money       Type = 5
	Bool        Type = 6
	Date        Type = 7
	Timestamp   Type = 8
	Choice      Type = 9
	MultiChoice Type = 10
	Email       Type = 11
	Phone       Type = 12
	URL         Type = 13
	Contact     Type = 14
)

// wider says into which types a type can turn while values of it are there.
var wider = map[Type][]Type{
	Integer: {Decimal},
	Text:    {LongText},
	Choice:  {Text, LongText},
	Email:   {Text, LongText},
	Phone:   {Text, LongText},
	URL:     {Text, LongText},
}

// widens reports whether values of a type are values of the other one too.
func (t Type) widens(to Type) bool { return t == to || slices.Contains(wider[t], to) }

func (t Type) bounded() bool {
	return slices.Contains([]Type{Integer, Decimal, Money, Date, Timestamp}, t)
}
func (t Type) chosen() bool { return t == Choice || t == MultiChoice }
func (t Type) textual() bool {
	return slices.Contains([]Type{Text, LongText, Choice, MultiChoice, Email, Phone, URL}, t)
}
func (t Type) distinct() bool { return t != LongText && t != MultiChoice && t != Bool }

// IndexState is how far the index of a field is.
type IndexState int16

// The states, numbered as in the contract.
const (
	NoIndex  IndexState = 0
	Building IndexState = 1
	Ready    IndexState = 2
)

// The limits of a tenant's fields of one resource.
const (
	MaxFields  = 200
	MaxIndexed = 20

	maxText     = 500
	defaultText = 255
	maxLongText = 10000
)

// Field is one that a tenant has added.
type Field struct {
	entity.Meta
	// Resource is the collection of the records that have it.
	Resource string `db:"resource"`
	// Key is where its values stand in their custom fields.
	Key string `db:"key"`
	// Kinds are those of the records that have it; all where empty.
	Kinds []int32 `db:"kinds,json"`
	// DisplayNames and HelpTexts are by language.
	DisplayNames map[string]string `db:"display_names,json"`
	HelpTexts    map[string]string `db:"help_texts,json"`
	Type         Type              `db:"type"`
	Options      []Option          `db:"options,json"`
	Required     bool              `db:"required"`
	// Default, Minimum and Maximum are written as in a cell of a spreadsheet.
	Default   string `db:"default_value"`
	Minimum   string `db:"minimum"`
	Maximum   string `db:"maximum"`
	MaxLength int32  `db:"max_length"`
	// Pattern is of RE2, and must match the whole text.
	Pattern    string     `db:"pattern"`
	Unique     bool       `db:"is_unique"`
	Indexed    bool       `db:"indexed"`
	Searchable bool       `db:"searchable"`
	State      IndexState `db:"index_state"`
	// InUse is set by the first value that is written.
	InUse bool `db:"in_use"`
	// Pack is the industry pack it came with; empty for none.
	Pack string `db:"pack"`
}

// Option is one value that can be chosen.
type Option struct {
	Value        string            `json:"value"`
	DisplayNames map[string]string `json:"displayNames,omitempty"`
	Archived     bool              `json:"archived,omitempty"`
}

// PolicyID is the id of every tenant's one policy: of the form of all ids, and older than
// any.
var PolicyID = uuid.MustParse("00000000-0000-7000-8000-000000000001")

// UnknownKeys is what is done with a key that no field is on file for.
type UnknownKeys int16

// The ways, numbered as in the contract.
const (
	Open   UnknownKeys = 1
	Strict UnknownKeys = 2
)

// Policy is a tenant's.
type Policy struct {
	entity.Meta
	UnknownKeys UnknownKeys `db:"unknown_keys"`
}

// DefaultPolicy is that of a tenant that has written none.
func DefaultPolicy() *Policy {
	return &Policy{Meta: entity.Meta{ID: PolicyID}, UnknownKeys: Open}
}
