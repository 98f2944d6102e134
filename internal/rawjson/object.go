package rawjson

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
)

// Object is a JSON object as text: its members in order, each with the bytes of
// its name and its value. The zero value is the empty object. It shares memory with
// the data it was parsed from, which must not change, and copies what it is given.
// It must not be copied. Not safe for concurrent use.
type Object struct {
	members []member
	inline  [5]member
	places  map[string]int // of the members by name, once there are many; nil when not known
}

// member is a name and a value in one slice, since every session that is read holds
// an Object: two slices would take half as much again.
type member struct {
	text []byte // the name between its quotes, as written; then anything; then the value
	name uint32 // where the name ends in text
	at   uint32 // where the value begins
}

// memberOf makes a member of a name as written and a value.
func memberOf(name, value []byte) member {
	text := make([]byte, 0, len(name)+len(value))
	return member{text: append(append(text, name...), value...), name: uint32(len(name)), at: uint32(len(name))} //nolint:gosec // a record is no 4 GiB
}

func (m *member) written() []byte { return m.text[:m.name:m.name] }
func (m *member) value() []byte   { return m.text[m.at:] }
func (m *member) escaped() bool   { return bytes.IndexByte(m.written(), '\\') >= 0 }

// is reports whether m's name as written stands for name.
func (m *member) is(name string) bool {
	return string(m.written()) == name || m.escaped() && m.decoded() == name
}

func (m *member) decoded() string { return decoded(m.written(), m.escaped()) }

func decoded(written []byte, escaped bool) string {
	if !escaped {
		return string(written)
	}
	var s string
	quoted := append(append([]byte{'"'}, written...), '"')
	if json.Unmarshal(quoted, &s) != nil {
		return string(written)
	}
	return s
}

// searchable is how many members are searched one by one. Where there are more, their names
// are put into a map, so that a hostile record costs linear time.
const searchable = 32

// Parse makes o the object that data holds, after checking that data is one valid
// JSON object. Of members with the same name the last value counts, at the place of
// the first, as in JSON.parse. After an error o is empty.
func (o *Object) Parse(data []byte) error {
	o.members, o.places = o.inline[:0], nil
	err := o.parse(data)
	if err != nil {
		o.members, o.places = o.inline[:0], nil
	}
	return err
}

func (o *Object) parse(data []byte) error {
	if int64(len(data)) > math.MaxInt32 {
		return errSyntax
	}
	r := NewReader(data)
	if !r.Enter() {
		return errObject
	}
	for r.Next() {
		start, end, at := r.name, r.nameEnd, r.i
		if r.Value() == nil {
			break
		}
		m := member{text: data[start:r.i:r.i], name: uint32(end - start), at: uint32(at - start)} //nolint:gosec // a record is no 4 GiB
		if j := o.find(&m); j >= 0 {
			o.members[j] = memberOf(o.members[j].written(), m.value())
		} else {
			o.add(m)
		}
	}
	return r.End()
}

// find returns the place of the member that has the name of m, or -1.
func (o *Object) find(m *member) int {
	if m.escaped() || len(o.members) > searchable {
		return o.index(m.decoded())
	}
	for i := range o.members {
		n := &o.members[i]
		if string(n.written()) == string(m.written()) || n.escaped() && n.decoded() == string(m.written()) {
			return i
		}
	}
	return -1
}

// add appends m, whose name is new.
func (o *Object) add(m member) {
	if o.places != nil {
		o.places[m.decoded()] = len(o.members)
	}
	o.members = append(o.members, m)
}

func (o *Object) index(name string) int {
	if len(o.members) > searchable {
		if o.places == nil {
			o.places = make(map[string]int, 2*len(o.members))
			for i := range o.members {
				o.places[o.members[i].decoded()] = i
			}
		}
		if i, ok := o.places[name]; ok {
			return i
		}
		return -1
	}
	for i := range o.members {
		if o.members[i].is(name) {
			return i
		}
	}
	return -1
}

// Get returns the text of the member's value, or nil when there is none.
func (o *Object) Get(name string) json.RawMessage {
	if i := o.index(name); i >= 0 {
		return o.members[i].value()
	}
	return nil
}

// Set gives the member called name the value, which must be valid JSON. A new
// member comes last.
func (o *Object) Set(name string, value json.RawMessage) {
	if i := o.index(name); i >= 0 {
		o.members[i] = memberOf(o.members[i].written(), value)
		return
	}
	quoted := Quote(name)
	m := memberOf(quoted[1:len(quoted)-1], value)
	if o.members == nil {
		o.members = o.inline[:0]
	}
	o.add(m)
}

// SetFirst is Set, but a new member comes first.
func (o *Object) SetFirst(name string, value json.RawMessage) {
	n := len(o.members)
	if o.Set(name, value); len(o.members) > n && n > 0 {
		last := o.members[n]
		o.places = nil
		copy(o.members[1:], o.members[:n])
		o.members[0] = last
	}
}

// Delete removes the member called name and reports whether there was one.
func (o *Object) Delete(name string) bool {
	i := o.index(name)
	if i < 0 {
		return false
	}
	o.members, o.places = slices.Delete(o.members, i, i+1), nil
	return true
}

// DeleteFunc removes the members for whose name del is true.
func (o *Object) DeleteFunc(del func(name string) bool) {
	o.places = nil
	o.members = slices.DeleteFunc(o.members, func(m member) bool { return del(m.decoded()) })
}

// Replace puts f's result for each member's value in its place.
func (o *Object) Replace(f func(value json.RawMessage) json.RawMessage) {
	for i := range o.members {
		m := &o.members[i]
		if before := m.value(); len(before) > 0 {
			if after := f(before); !bytes.Equal(before, after) {
				*m = memberOf(m.written(), after)
			}
		}
	}
}

// Len returns the number of members.
func (o *Object) Len() int { return len(o.members) }

// Names returns the names of all members in order.
func (o *Object) Names() []string {
	names := make([]string, len(o.members))
	for i := range o.members {
		names[i] = o.members[i].decoded()
	}
	return names
}

// CopyFrom makes o an independent copy of from; the values' bytes are shared.
func (o *Object) CopyFrom(from *Object) {
	o.members, o.places = append(o.inline[:0], from.members...), nil
}

// AppendTo appends the object's text to b, without white space.
func (o *Object) AppendTo(b []byte) []byte {
	b = append(b, '{')
	for i := range o.members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, o.members[i].written()...)
		b = append(b, '"', ':')
		b = append(b, o.members[i].value()...)
	}
	return append(b, '}')
}

// Size returns the length of what AppendTo appends.
func (o *Object) Size() int {
	if len(o.members) == 0 {
		return len("{}")
	}
	n := 1
	for i := range o.members {
		n += len(o.members[i].written()) + len(o.members[i].value()) + 4
	}
	return n
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

// Int returns the whole number that raw stands for.
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
