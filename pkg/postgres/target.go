package postgres

import (
	"reflect"
	"strings"
	"time"
	"unsafe"
)

// targetOf answers how pgx is given a field of the type to scan into. Types of the
// program's own go as what they are made of, and UUIDs as their bytes: pgx reads
// those without looking by reflection, for each row, at what they might be.
func targetOf(t reflect.Type) func(field unsafe.Pointer) any {
	switch {
	case t == uuidType:
		return func(p unsafe.Pointer) any { return (*[16]byte)(p) }
	case t == uuidPointerType:
		return func(p unsafe.Pointer) any { return (**[16]byte)(p) }
	case t == timeType:
		return func(p unsafe.Pointer) any { return (*time.Time)(p) }
	case scansItself(t):
		return targetByType(t)
	}
	switch t.Kind() {
	case reflect.String:
		return func(p unsafe.Pointer) any { return (*string)(p) }
	case reflect.Bool:
		return func(p unsafe.Pointer) any { return (*bool)(p) }
	case reflect.Int16:
		return func(p unsafe.Pointer) any { return (*int16)(p) }
	case reflect.Int32:
		return func(p unsafe.Pointer) any { return (*int32)(p) }
	case reflect.Int64:
		return func(p unsafe.Pointer) any { return (*int64)(p) }
	default:
		return targetByType(t)
	}
}

func targetByType(t reflect.Type) func(field unsafe.Pointer) any {
	return func(p unsafe.Pointer) any { return reflect.NewAt(t, p).Interface() }
}

// scansItself says whether the type has a method by which a driver hands it a
// value: Scan of database/sql, or one of pgx such as ScanText.
func scansItself(t reflect.Type) bool {
	pointer := reflect.PointerTo(t)
	for i := range pointer.NumMethod() {
		if strings.HasPrefix(pointer.Method(i).Name, "Scan") {
			return true
		}
	}
	return false
}
