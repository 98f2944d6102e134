package guard

import (
	"encoding/json"
	"reflect"

	"github.com/seed-6f34412b/passport/serializer"
)

// stamps is the method of a serializer made by [serializer.WithStamp].
type stamps[U any] interface {
	Stamp(user U, id json.RawMessage) string
}

// maxDecorators is how many nested serializers are searched for a stamp.
const maxDecorators = 16

// stampsOf returns s if it has stamps. hidden is true if it has none but a serializer inside it has: the
// outer one, such as a Chain or a decorator, does not pass them on, and a change of the password would log
// nobody out.
func stampsOf[U any](s serializer.Serializer[U]) (found stamps[U], hidden bool) {
	if found, ok := s.(stamps[U]); ok {
		return found, false
	}
	return nil, hasWithin(reflect.ValueOf(s), reflect.TypeFor[stamps[U]](), reflect.TypeFor[serializer.Serializer[U]](), maxDecorators)
}

// hasWithin reports whether a field of v, or a field of such a field, implements wanted. Only fields that
// implement through are searched. The values of unexported fields cannot be used, but their types can.
func hasWithin(v reflect.Value, wanted, through reflect.Type, depth int) bool {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct || depth == 0 {
		return false
	}
	for _, field := range v.Fields() {
		list := []reflect.Value{field}
		if k := list[0].Kind(); k == reflect.Slice || k == reflect.Array {
			list = elements(list[0])
		}
		for _, e := range list {
			if e.Kind() == reflect.Interface {
				e = e.Elem()
			}
			if e.IsValid() && e.Type().Implements(through) && (e.Type().Implements(wanted) || hasWithin(e, wanted, through, depth-1)) {
				return true
			}
		}
	}
	return false
}

func elements(v reflect.Value) (list []reflect.Value) {
	for i := range v.Len() {
		list = append(list, v.Index(i))
	}
	return list
}
