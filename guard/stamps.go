package guard

import (
	"encoding/json"
	"reflect"

	"github.com/seed-6f34412b/passport/serializer"
)

// stamps is what a serializer made by [serializer.WithStamp] can do.
type stamps[U any] interface {
	Stamp(user U, id json.RawMessage) string
}

// maxDecorators is how many serializers may lie within each other where a stamp is looked for.
const maxDecorators = 16

// stampsOf returns s where it has stamps. hidden is true where it has none and a serializer
// within it has: what s adds to it, such as a Chain or a decorator, does not pass stamps on,
// and a change of the password would log nobody out.
func stampsOf[U any](s serializer.Serializer[U]) (found stamps[U], hidden bool) {
	if found, ok := s.(stamps[U]); ok {
		return found, false
	}
	return nil, hasWithin(reflect.ValueOf(s), reflect.TypeFor[stamps[U]](), reflect.TypeFor[serializer.Serializer[U]](), maxDecorators)
}

// hasWithin reports whether a field of v, or of what lies in such a field, implements
// wanted. Only what implements through is looked into. Unexported fields may not be used,
// but their types are seen.
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
