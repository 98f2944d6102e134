package rawjson

import (
	"bytes"
	"encoding/json"
	"slices"
)

// Object is a JSON object as text: its members in order, each with the bytes of its name and its value. The
// zero value is the empty object. It shares memory with the data it was parsed from and with the values that
// are set: they must not change. It must not be copied. It is not safe for concurrent use.
type Object struct {
	members []member
	inline  [5]member
	places  map[string]int // the index of each member by name, if there are many; nil otherwise
}

// member is the text of a member.
type member struct {
	name  []byte // between its quotes, as written
	value json.RawMessage
}

// unescaped returns the string that is written as name between quotes.
func unescaped(name []byte) string {
	if bytes.IndexByte(name, '\\') >= 0 {
		var s string
		if json.Unmarshal(append(append([]byte{'"'}, name...), '"'), &s) == nil {
			return s
		}
	}
	return string(name)
}

// searchable is how many members are searched one by one. With more, a map is built, so that a hostile
// record costs linear time.
const searchable = 32

// Parse sets o to the object in data, which must be one valid JSON object. If a name is repeated, the last
// value counts, at the place of the first, as in JSON.parse. After an error o is empty.
func (o *Object) Parse(data []byte) error {
	o.members, o.places = o.inline[:0], nil
	err := errObject
	if r := NewReader(data); r.Enter() {
		for r.Next() {
			m := member{name: data[r.name:r.nameEnd:r.nameEnd]}
			name := r.Name()
			if m.value = r.Value(); m.value == nil {
				break
			}
			if i := find(o, name); i >= 0 {
				o.members[i].value = m.value
				continue
			}
			if o.places != nil {
				o.places[string(name)] = len(o.members)
			}
			o.members = append(o.members, m)
		}
		err = r.End()
	}
	if err != nil {
		o.members, o.places = o.inline[:0], nil
	}
	return err
}

// find returns the index of the member called name, or -1.
func find[T string | []byte](o *Object, name T) int {
	if len(o.members) > searchable {
		if o.places == nil {
			o.places = make(map[string]int, 2*len(o.members))
			for i := range o.members {
				o.places[unescaped(o.members[i].name)] = i
			}
		}
		if i, ok := o.places[string(name)]; ok {
			return i
		}
		return -1
	}
	for i := range o.members {
		if n := o.members[i].name; string(n) == string(name) || bytes.IndexByte(n, '\\') >= 0 && unescaped(n) == string(name) {
			return i
		}
	}
	return -1
}

// Get returns the text of the member's value, or nil if there is none.
func (o *Object) Get(name string) json.RawMessage {
	if i := find(o, name); i >= 0 {
		return o.members[i].value
	}
	return nil
}

// Set sets the value of the member called name to value, which must be valid JSON, and must not change while
// o or a copy of it is in use. A new member comes last.
func (o *Object) Set(name string, value json.RawMessage) {
	if i := find(o, name); i >= 0 {
		o.members[i].value = value
		return
	}
	if o.members == nil {
		o.members = o.inline[:0]
	}
	if o.places != nil {
		o.places[name] = len(o.members)
	}
	quoted := Quote(name)
	o.members = append(o.members, member{quoted[1 : len(quoted)-1], value})
}

// Delete removes the member called name and reports whether there was one.
func (o *Object) Delete(name string) bool {
	i := find(o, name)
	if i < 0 {
		return false
	}
	o.members, o.places = slices.Delete(o.members, i, i+1), nil
	return true
}

// DeleteFunc removes the members whose names del accepts.
func (o *Object) DeleteFunc(del func(name string) bool) {
	o.places = nil
	o.members = slices.DeleteFunc(o.members, func(m member) bool { return del(unescaped(m.name)) })
}

// Replace replaces each member's value by the result of f.
func (o *Object) Replace(f func(value json.RawMessage) json.RawMessage) {
	for i := range o.members {
		if m := &o.members[i]; len(m.value) > 0 {
			m.value = f(m.value)
		}
	}
}

// Len returns the number of members.
func (o *Object) Len() int { return len(o.members) }

// Names returns the names of all members in order.
func (o *Object) Names() []string {
	names := make([]string, len(o.members))
	for i := range o.members {
		names[i] = unescaped(o.members[i].name)
	}
	return names
}

// CopyFrom makes o an independent copy of from; the values' bytes are shared.
func (o *Object) CopyFrom(from *Object) {
	o.members, o.places = append(o.inline[:0], from.members...), nil
}

// AppendTo appends the object's text to b, without white space.
func (o *Object) AppendTo(b []byte) []byte {
	b = o.AppendMembers(append(slices.Grow(b, o.Size()), '{'))
	if len(o.members) > 0 {
		b = b[:len(b)-1]
	}
	return append(b, '}')
}

// AppendMembers appends the text of the object's members to b, each followed by a comma.
func (o *Object) AppendMembers(b []byte) []byte {
	for i := range o.members {
		b = append(append(append(b, '"'), o.members[i].name...), '"', ':')
		b = append(append(b, o.members[i].value...), ',')
	}
	return b
}

// Size returns the length of the text that AppendTo appends, or one more.
func (o *Object) Size() int {
	size := len("{}")
	for i := range o.members {
		size += len(`"":,`) + len(o.members[i].name) + len(o.members[i].value)
	}
	return size
}

// Find returns the value of the member called name in data, the text of a valid
// JSON object, or nil. It allocates nothing.
func Find(data json.RawMessage, name string) json.RawMessage {
	var found json.RawMessage
	r := NewReader(data)
	for ok := r.Enter(); ok && r.Next(); {
		if string(r.Name()) == name {
			found = r.Value()
		}
	}
	return found
}

// Int returns the whole number in raw.
func Int(raw json.RawMessage) (int64, bool) {
	var n int64
	neg := len(raw) > 1 && raw[0] == '-'
	if neg {
		raw = raw[1:]
	}
	if len(raw) == 0 || len(raw) > 18 {
		return 0, false
	}
	for _, c := range raw {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if neg {
		n = -n
	}
	return n, true
}
