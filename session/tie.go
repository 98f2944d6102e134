package session

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/seed-6f34412b/passport/internal/rawjson"
	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// What Go notes in a record, in our own member and in those of log-ins, counts only
// under the id for which, and for the log-in for which, Go wrote it. Node copies notes
// without knowing them: a session whose members are copied into one with a new id, as
// passport 0.6 and 0.7 do with keepSessionInfo, takes them along, and passport 0.4 logs
// other people in under the same id. Such a log-in proved nothing to Go: it has no
// time, no factors, no stamp, and no label yet.

// tieLen is the length in characters of what ties our member to its id: 36 bits, for
// accidents, since nobody can choose the id of a copy.
const tieLen = 6

// tieOf returns what our member says of the id for which it is written: the beginning of
// a hash, which tells nothing of the id.
func tieOf(id string) (tie [tieLen]byte) {
	var in [64]byte
	sum := sha256.Sum256(append(append(in[:0], "passport session tie\x00"...), id...))
	var text [8]byte
	base64.RawURLEncoding.Encode(text[:], sum[:6])
	copy(tie[:], text[:])
	return tie
}

// judge decides whether our member counts for the record of id. One without a tie does:
// an earlier version wrote it, and the next write ties it.
func (r *record) judge(id string) {
	if text := r.own.list("i"); text != nil {
		if tie := tieOf(id); !bytes.Equal(unquoted(text), tie[:]) {
			r.own = own{keyed: r.own.keyed, text: r.own.text} // Node's copy: k still says where log-ins are
		}
	}
	r.judgeSlot()
	r.relabel = r.own.known && (r.has && !r.slot.ByGo || r.own.keyed) && !slices.Equal(r.labels(), r.listed())
}

// judgeSlot takes from the log-in what Go did not note for this record.
func (r *record) judgeSlot() {
	if !r.own.known {
		r.slot = r.slot.ByNode()
	}
}

// onlyPassport stands for the one label that passport's log-in has, if Go made that.
const onlyPassport = "1"

// listed returns the labels as Go wrote them.
func (r *record) listed() []string {
	if !r.own.known {
		return nil
	}
	text := r.own.list("l")
	if string(text) != onlyPassport {
		return stringsOf(text)
	}
	if slot, ok := r.slotAt(passportKey); ok && slot.ByGo {
		return labelsOf(passportKey, slot)
	}
	return nil
}

// labels returns the labels of a record that Go wrote: those listed, but for the ones of
// log-ins that Node replaced since. Nothing is indexed yet of a record that Go never wrote.
func (r *record) labels() []string {
	if !r.own.known {
		return nil
	}
	return relabelled(r.listed(), r.slotKeys(), r.slotAt)
}

// relabelled returns list with the labels of log-ins that Node made: such a log-in has
// the label of its user, so that a user's sessions are found whoever made them, and none
// that were another's under its key.
func relabelled(list, keys []string, slotAt func(string) (reqstate.Slot, bool)) []string {
	for _, key := range keys {
		slot, ok := slotAt(key)
		if !ok || slot.ByGo {
			continue
		}
		list = slices.DeleteFunc(list, func(l string) bool { return strings.HasPrefix(l, key+":") })
		list = append(list, labelsOf(key, slot)...)
	}
	return list
}

// labelsOf returns the label that a guard gives the log-in under key.
func labelsOf(key string, slot reqstate.Slot) []string {
	label := key + ":" + string(slot.User)
	if len(label) > maxLabel {
		return nil
	}
	return []string{label}
}

// dropNotes takes the notes that do not count out of d, a copy of r, so that the next
// write does not tie them to this id. In a record that Go did not write under this id,
// every member with a guard's notes is a log-in that Node carried.
func (d *draft) dropNotes(r *record) {
	if r.own.known {
		for _, key := range r.slotKeys() {
			if slot, _ := d.slotAt(key); !slot.ByGo && rawjson.Find(d.obj.Get(key), "go") != nil {
				d.obj.Set(key, withoutNotes(d.obj.Get(key)))
			}
		}
		return
	}
	d.obj.Replace(func(value json.RawMessage) json.RawMessage {
		if rawjson.Find(rawjson.Find(value, "go"), "for") == nil {
			return value
		}
		return withoutNotes(value)
	})
}

// withoutNotes returns the log-in in raw as Passport would write it.
func withoutNotes(raw json.RawMessage) json.RawMessage {
	var slot rawjson.Object
	if slot.Parse(raw) != nil || !slot.Delete("go") {
		return raw
	}
	return slot.AppendTo(nil)
}
