package record

import "reflect"

// clone answers a copy of the row that a rule can change nothing of: maps, slices
// and pointers are copied too. Structs with unexported fields, such as time.Time,
// are copied as values.
func clone[T any](row *T) *T {
	c := new(T)
	copyInto(reflect.ValueOf(c).Elem(), reflect.ValueOf(row).Elem())
	return c
}

func copyInto(to, from reflect.Value) {
	switch from.Kind() {
	case reflect.Struct:
		to.Set(from)
		for i := range from.NumField() {
			if from.Type().Field(i).IsExported() {
				copyInto(to.Field(i), from.Field(i))
			}
		}
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice:
		if !from.IsNil() {
			copyReference(to, from)
		}
	default:
		to.Set(from)
	}
}

func copyReference(to, from reflect.Value) {
	switch from.Kind() {
	case reflect.Pointer:
		to.Set(reflect.New(from.Type().Elem()))
		copyInto(to.Elem(), from.Elem())
	case reflect.Interface:
		value := reflect.New(from.Elem().Type()).Elem()
		copyInto(value, from.Elem())
		to.Set(value)
	case reflect.Slice:
		to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			copyInto(to.Index(i), from.Index(i))
		}
	case reflect.Map:
		to.Set(reflect.MakeMapWithSize(from.Type(), from.Len()))
		for _, key := range from.MapKeys() {
			value := reflect.New(from.Type().Elem()).Elem()
			copyInto(value, from.MapIndex(key))
			to.SetMapIndex(key, value)
		}
	}
}
