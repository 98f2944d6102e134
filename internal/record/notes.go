package record

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
)

// NotesKey is the one top-level member that is ours. Node keeps it and ignores it:
//
//	"_go":{"b":…,"s":…,"v":"…","i":"…","k":["admin"],"l":["passport:2","sid:x"]}
//
// b is the birth and s the last write by Go, in Unix milliseconds; s is absent if it equals b. v has the
// revisions of the last writes, newest first; it is absent until the record is written again, see
// [notes.revisions]. i names the id for which Go wrote this, see [tieOf]. k has the keys of guards' log-ins
// other than passport, and is absent if there are none. l has the labels. It is absent if Go made
// passport's log-in and the only label is that log-in's, and if there is neither that log-in nor a label;
// earlier versions wrote 1 then. So the member has about 45 bytes in a new record.
const NotesKey = "_go"

// maxKeyList is the size in bytes of the longest list of log-ins' keys. A longer one is not ours, and
// looking up each of its keys would take quadratic time.
const maxKeyList = 1 << 10

// notes is our own member, parsed.
type notes struct {
	born   int64           // Unix milliseconds; 0 if Go did not write the record under this id
	seen   int64           // Unix milliseconds; 0 as for born
	revs   []byte          // v, or i if v is absent: see revisions
	keys   json.RawMessage // k; nil if absent
	labels json.RawMessage // l; nil if absent
}

// read reads our member, which is the next value of in, in the record of id. Without a tie it counts: an
// earlier version wrote it, and the next write adds the tie. With the tie of another id it is a copy by
// Node, and only k counts: it still says where log-ins are.
func (n *notes) read(in *rawjson.Reader, id string) {
	*n = notes{}
	copied, tied := false, []byte(nil)
	for ok := in.Enter(); ok && in.Next(); {
		switch string(in.Name()) {
		case "b":
			n.born, _ = rawjson.Int(in.Value())
		case "s":
			n.seen, _ = rawjson.Int(in.Value())
		case "v":
			n.revs = unquoted(in.Value())
		case "i":
			tie := tieOf(id)
			tied = unquoted(in.Value())
			copied = !bytes.Equal(tied, tie[:])
		case "k":
			n.keys = in.Value()
		case "l":
			if n.labels = in.Value(); string(n.labels) == "1" {
				n.labels = nil // earlier versions wrote 1 where l is now absent
			}
		}
	}
	if n.revs == nil {
		n.revs = tied
	}
	if copied {
		*n = notes{keys: n.keys}
	}
	if n.born < 0 {
		n.born = 0
	}
	if n.seen == 0 {
		n.seen = n.born
	}
}

// notesSize is the size in bytes of our member in nearly every record.
const notesSize = 192

// write appends our member for the record of id with the content of d. n has its times; the other fields of
// n are set to what is written.
func (n *notes) write(b []byte, d *Draft, id string, before *Record, revision string) []byte {
	b = strconv.AppendInt(append(b, `{"b":`...), n.born, 10)
	if n.seen != n.born {
		b = strconv.AppendInt(append(b, `,"s":`...), n.seen, 10)
	}
	if before != nil {
		b = append(b, `,"v":"`...)
		start := len(b)
		b = append(b, revision...)
		b = append(b, before.notes.history(time.UnixMilli(n.seen))...)
		n.revs = b[start:len(b):len(b)]
		b = append(b, '"')
	}
	tie := tieOf(id)
	b = append(append(append(b, `,"i":"`...), tie[:]...), '"')
	if before == nil {
		n.revs = b[len(b)-1-tieLen : len(b)-1 : len(b)-1]
	}
	var keys, own []string // own has the labels that are left out
	for _, s := range d.slots {
		switch {
		case s.Key != PassportKey:
			keys = append(keys, s.Key)
		case s.ByGo:
			own = []string{s.label()}
		}
	}
	if len(keys) > 0 {
		n.keys = appendStrings(nil, keys)
		b = append(append(b, `,"k":`...), n.keys...)
	}
	if !slices.Equal(d.Labels, own) {
		n.labels = appendStrings(nil, d.Labels)
		b = append(append(b, `,"l":`...), n.labels...)
	}
	return append(b, '}')
}

// stringsOf reads a JSON array of strings. Anything else is the empty list.
func stringsOf(raw json.RawMessage) []string {
	if len(raw) == 0 {
		return nil
	}
	if list, ok := plainStrings(raw); ok {
		return list
	}
	var list []string
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	return list
}

// plainStrings is stringsOf for the form in which we write lists, without white space, escapes or commas in
// the strings. It takes a tenth of the time.
func plainStrings(raw []byte) (list []string, ok bool) {
	if len(raw) < 2 || raw[0] != '[' || raw[len(raw)-1] != ']' {
		return nil, false
	}
	for item := range bytes.SplitSeq(raw[1:len(raw)-1], []byte(`,`)) {
		if len(item) < 2 || item[0] != '"' || item[len(item)-1] != '"' || bytes.ContainsAny(item[1:len(item)-1], `"\\`) {
			return nil, false
		}
		list = append(list, string(item[1:len(item)-1]))
	}
	return list, true
}

// appendStrings appends the JSON array of list.
func appendStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, rawjson.Quote(s)...)
	}
	return append(b, ']')
}

// add returns list with s, added if it is missing.
func add(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
