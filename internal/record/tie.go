package record

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/seed-6f34412b/passport/internal/rawjson"
)

// What Go notes in a record, in our own member and in those of log-ins, counts only
// under the id for which, and for the log-in for which, Go wrote it. Node copies notes
// without knowing them: a session whose members are copied into one with a new id, as
// passport 0.6 and 0.7 do with keepSessionInfo, takes them along, and passport 0.4 logs
// other people in under the same id. Such a log-in proved nothing to Go: it has no
// time, no factors, no stamp, and no label yet. What cannot be told: passport 0.4 replaces
// the user, and later puts the first one back in the same place, while Go writes nothing in
// between. The record then has the bytes that Go wrote (docs/MIGRATING.md has the cure).

// tieLen is the length in characters of what ties our member to its id: 36 bits, for
// accidents, since nobody can choose the id of a copy.
const tieLen = 6

// tieOf returns what our member says of the id for which it is written: the beginning of
// a hash, which reveals nothing of the id.
func tieOf(id string) (tie [tieLen]byte) {
	var in [64]byte
	sum := sha256.Sum256(append(append(in[:0], "passport session tie\x00"...), id...))
	var text [8]byte
	base64.RawURLEncoding.Encode(text[:], sum[:6])
	copy(tie[:], text[:])
	return tie
}

// onlyPassport stands for the one label that passport's log-in has, if Go made that.
const onlyPassport = "1"

// MaxLabel is the length of the longest label in bytes.
const MaxLabel = 512

// listed returns the labels as Go wrote them.
func (r *Record) listed() []string {
	if r.notes.born == 0 {
		return nil
	}
	if string(r.notes.labels) != onlyPassport {
		return stringsOf(r.notes.labels)
	}
	return onlyLabel(r.Slot(PassportKey))
}

// Labels returns the labels of a record that Go wrote: those listed, but for the ones of
// log-ins that Node replaced since. Nothing is indexed yet of a record that Go never wrote.
func (r *Record) Labels() []string {
	if r.notes.born == 0 {
		return nil
	}
	return relabelled(r.listed(), r.SlotKeys(), r.Slot)
}

// relabelled returns list with the labels of log-ins that Node made: such a log-in has
// the label of its user, so that a user's sessions are found whoever made them, and none
// that were another's under its key.
func relabelled(list, keys []string, slotAt func(string) (Slot, bool)) []string {
	for _, key := range keys {
		slot, ok := slotAt(key)
		if !ok || slot.ByGo {
			continue
		}
		label, ok := labelOf(key, slot)
		list = slices.DeleteFunc(list, func(l string) bool { return strings.HasPrefix(l, key+":") && l != label })
		if ok {
			list = add(list, label)
		}
	}
	return list
}

// labelOf returns the label that a guard gives the log-in under key. ok is false when it
// is longer than a label may be.
func labelOf(key string, slot Slot) (label string, ok bool) {
	label = key + ":" + string(slot.User)
	return label, len(label) <= MaxLabel
}

// onlyLabel returns the one label that stands for onlyPassport.
func onlyLabel(slot Slot, logged bool) []string {
	if !logged || !slot.ByGo {
		return nil
	}
	label, ok := labelOf(PassportKey, slot)
	if !ok {
		return nil
	}
	return []string{label}
}

// dropNotes takes the notes that do not count out of d, a copy of r, so that the next
// write does not tie them to this id. In a record that Go did not write under this id,
// every member with a guard's notes is a log-in that Node carried.
func (d *Draft) dropNotes(r *Record) {
	if r.notes.born > 0 {
		for _, key := range r.SlotKeys() {
			if slot, _ := d.Slot(key); !slot.ByGo && rawjson.Find(d.Members.Get(key), "go") != nil {
				d.Members.Set(key, WithoutNotes(d.Members.Get(key)))
			}
		}
		return
	}
	d.Members.Replace(func(value json.RawMessage) json.RawMessage {
		if rawjson.Find(rawjson.Find(value, "go"), "for") == nil {
			return value
		}
		return WithoutNotes(value)
	})
}
