package strictjson

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Shape describes what encoding/json reads from an object into a Go type: the names, and the shapes of
// their values. It is made by [ShapeOf] and safe for concurrent use.
type Shape struct {
	fields map[string]*Shape // for a struct, by exact name; a nil Shape accepts anything
	folded map[string]string // for a struct: the exact names, by their folded form
	elem   *Shape            // for a list or a map
}

// ShapeOf returns the shape of t, nil for a type that has its own UnmarshalJSON or contains no struct.
func ShapeOf(t reflect.Type) *Shape { return shapeOf(t, map[reflect.Type]*Shape{}) }

var (
	jsonReader = reflect.TypeFor[json.Unmarshaler]()
	textReader = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func shapeOf(t reflect.Type, known map[reflect.Type]*Shape) *Shape {
	if s, ok := known[t]; ok {
		return s
	}
	if p := reflect.PointerTo(t); p.Implements(jsonReader) || p.Implements(textReader) {
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return shapeOf(t.Elem(), known)
	case reflect.Slice, reflect.Array, reflect.Map:
		s := new(Shape)
		known[t] = s // a type may contain itself
		s.elem = shapeOf(t.Elem(), known)
		if s.elem == nil {
			delete(known, t)
			return nil
		}
		return s
	case reflect.Struct:
		s := &Shape{fields: map[string]*Shape{}, folded: map[string]string{}}
		known[t] = s
		s.add(t, known, map[reflect.Type]bool{})
		return s
	}
	return nil
}

// add adds the fields of t, and those of the structs that it embeds.
func (s *Shape) add(t reflect.Type, known map[reflect.Type]*Shape, embedded map[reflect.Type]bool) {
	if embedded[t] { // a struct can embed a pointer to itself
		return
	}
	embedded[t] = true
	for f := range t.Fields() {
		tag := f.Tag.Get("json")
		name, _, _ := strings.Cut(tag, ",")
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case tag == "-":
		case f.Anonymous && name == "" && inner.Kind() == reflect.Struct:
			s.add(inner, known, embedded)
		case f.IsExported():
			if name == "" {
				name = f.Name
			}
			s.fields[name] = shapeOf(f.Type, known)
			s.folded[Fold(name)] = name
		}
	}
}

// Check returns an error for an object with a member whose name differs from that of a field only by case,
// here or in an object inside it. The error contains the name, never a value.
func (s *Shape) Check(o Object) error {
	if s == nil {
		return nil
	}
	for name, value := range o {
		inner := s.elem
		if s.fields != nil {
			field, exact := s.fields[name]
			if !exact {
				if right := s.folded[Fold(name)]; right != "" {
					return fmt.Errorf("%q differs from the field %q by its case only", name, right)
				}
			}
			inner = field
		}
		if err := inner.check(value); err != nil {
			return err
		}
	}
	return nil
}

// check is Check for a value whose JSON was checked by Parse.
func (s *Shape) check(value json.RawMessage) error {
	if s == nil || len(value) == 0 {
		return nil
	}
	switch value[0] {
	case '{':
		o, err := membersOf(value)
		if err != nil {
			return err
		}
		return s.Check(o)
	case '[':
		for _, v := range Items(value) {
			if err := s.elem.check(v); err != nil {
				return err
			}
		}
	}
	return nil
}
