package rawjson

import "encoding/json"

// Reader reads the members of a JSON object, and of objects in it, in one pass that checks all of the text.
// The zero value is not usable: see [NewReader].
//
//	r := rawjson.NewReader(data)
//	for ok := r.Enter(); ok && r.Next(); {
//		switch string(r.Name()) {
//		case "user":
//			user = r.Value()
//		case "go":
//			for ok := r.Enter(); ok && r.Next(); {
//				…
//			}
//		}
//	}
//	err := r.End()
//
// A value that is neither taken nor entered is skipped. Reading allocates nothing unless a name has
// escapes. Members with the same name are all returned, in order.
type Reader struct {
	data          []byte
	name, nameEnd int  // the range of the member's name
	i             int  // the index of the next value or member; negative after an error
	depth         int  // how many objects are entered
	escaped       bool // the name has escapes
	due           bool // a value begins at i
	first         bool // no member of the innermost object has been read yet
}

// NewReader returns a Reader for data, which must not change while it is in use.
func NewReader(data []byte) Reader {
	return Reader{data: data, i: space(data, 0), due: true}
}

// Enter enters the object that is the next value. If that is not an object, it returns false and skips
// nothing.
func (r *Reader) Enter() bool {
	if !r.due || r.i >= len(r.data) || r.data[r.i] != '{' || r.depth == MaxDepth {
		return false
	}
	r.i++
	r.depth++
	r.due, r.first = false, true
	return true
}

// Next goes to the next member of the innermost entered object. If it returns false, there is none, or the
// text is not JSON; the object is then left.
func (r *Reader) Next() bool {
	if r.due {
		r.Value()
	}
	if r.i < 0 {
		return false
	}
	data := r.data
	i := space(data, r.i)
	if i >= len(data) {
		return r.fail(badSyntax)
	}
	switch {
	case data[i] == '}':
		r.i = i + 1
		r.depth--
		r.first = false
		return false
	case r.first:
		r.first = false
	case data[i] == ',':
		i = space(data, i+1)
	default:
		return r.fail(badSyntax)
	}
	end, escaped := str(data, i)
	if end < 0 {
		return r.fail(end)
	}
	r.name, r.nameEnd, r.escaped = i+1, end-1, escaped
	if i = space(data, end); i >= len(data) || data[i] != ':' {
		return r.fail(badSyntax)
	}
	r.i, r.due = space(data, i+1), true
	return true
}

// Name returns the name of the current member.
func (r *Reader) Name() []byte {
	name := r.data[r.name:r.nameEnd]
	if r.escaped {
		return []byte(unescaped(name))
	}
	return name
}

// Value returns the text of the next value, or nil if there is none or it is not JSON.
func (r *Reader) Value() json.RawMessage {
	if !r.due {
		return nil
	}
	r.due = false
	start := r.i
	end := value(r.data, start, r.depth)
	if r.i = end; end < 0 {
		return nil
	}
	return r.data[start:end:end]
}

// End skips the rest and returns the first error of the whole text, which must be exactly one JSON value.
func (r *Reader) End() error {
	if r.due {
		r.Value()
	}
	if r.i >= 0 && (r.depth > 0 || space(r.data, r.i) != len(r.data)) {
		r.i = badSyntax
	}
	if r.i < 0 {
		return errorOf(r.i)
	}
	return nil
}

func (r *Reader) fail(fault int) bool {
	r.i, r.due = fault, false
	return false
}
