package customfield

import (
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// types are the names of the types in filters.
var types = map[string]int32{
	"CUSTOM_FIELD_TYPE_TEXT": int32(Text), "CUSTOM_FIELD_TYPE_LONG_TEXT": int32(LongText), "CUSTOM_FIELD_TYPE_INTEGER": int32(Integer),
	"CUSTOM_FIELD_TYPE_DECIMAL": int32(Decimal), "CUSTOM_FIELD_TYPE_MONEY": int32(Money), "CUSTOM_FIELD_TYPE_BOOL": int32(Bool),
	"CUSTOM_FIELD_TYPE_DATE": int32(Date), "CUSTOM_FIELD_TYPE_TIMESTAMP": int32(Timestamp), "CUSTOM_FIELD_TYPE_CHOICE": int32(Choice),
	"CUSTOM_FIELD_TYPE_MULTI_CHOICE": int32(MultiChoice), "CUSTOM_FIELD_TYPE_EMAIL": int32(Email), "CUSTOM_FIELD_TYPE_PHONE": int32(Phone),
	"CUSTOM_FIELD_TYPE_URL": int32(URL), "CUSTOM_FIELD_TYPE_CONTACT": int32(Contact),
}

var errKeyTaken = errs.AlreadyExists("CUSTOM_FIELD_KEY_TAKEN", "the resource has another custom field of this key")

// Table keeps the fields.
var Table = postgres.NewTable[Field](postgres.Def{
	Name: "custom_field", Kind: "custom field", Collection: Collection,
	Fields: []postgres.Field{
		{Path: "resource"}, {Path: "key"},
		{Path: "type", Type: postgres.Enum, Values: types},
		{Path: "indexed", Type: postgres.Bool}, {Path: "required", Type: postgres.Bool},
		{Path: "create_time", Type: postgres.Time}, {Path: "update_time", Type: postgres.Time},
	},
	Orders:       [][]string{{"create_time"}, {"update_time"}, {"key"}, {"resource", "key"}},
	DefaultOrder: "key",
	Constraints: map[string]*errs.Error{
		"custom_field_pkey": errs.AlreadyExists("CUSTOM_FIELD_EXISTS", "a custom field of this name exists already"),
		"custom_field_key":  errKeyTaken,
	},
})

// PolicyTable keeps the policies.
var PolicyTable = postgres.NewTable[Policy](postgres.Def{Name: "custom_field_policy", Kind: "custom field policy"})

// ValueTaken is the constraint that a value of a unique field violates; services name it
// in their tables (Taken).
const ValueTaken = "custom_value_alone"

// Taken is what it means.
var Taken = errs.AlreadyExists("CUSTOM_FIELD_VALUE_TAKEN", "another record has the same value of a custom field that is unique")
