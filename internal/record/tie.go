package record

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/seed-6f34412b/passport/internal/rawjson"
)

// Go's notes in a record, in our own member and in those of log-ins, count only under the id, and for the
// log-in, for which Go wrote them. Node copies notes without knowing them: passport 0.6 and 0.7 with
// keepSessionInfo copy a session's members into one with a new id, and passport 0.4 logs other users in
// under the same id. Such a log-in has proved nothing to Go: it has no time, no factors, no stamp, and no
// label yet. One case cannot be detected: passport 0.4 replaces the user and later puts the first one back
// in the same place, while Go writes nothing in between. The record then has the bytes that Go wrote
// (docs/MIGRATING.md has the remedy).

// tieLen is the length in characters of the tie between our member and its id: 36 bits. They are to detect
// accidents only, since nobody can choose the id of a copy.
const tieLen = 6

// tieOf returns the tie of id: 36 bits of a sum that multiplies eight bytes at a time, as in Knuth's
// multiplicative hashing. It takes a tenth of the time of SHA-256, at each read. Somebody who sees a tie
// still lacks 156 random bits of the id, and an id without its signature is of no use.
func tieOf(id string) (tie [tieLen]byte) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	const golden = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio, and odd
	sum := uint64(len(id))
	for ; len(id) >= 8; id = id[8:] {
		word := uint64(id[0]) | uint64(id[1])<<8 | uint64(id[2])<<16 | uint64(id[3])<<24 |
			uint64(id[4])<<32 | uint64(id[5])<<40 | uint64(id[6])<<48 | uint64(id[7])<<56 // one load
		sum = (sum ^ word) * golden
		sum ^= sum >> 32 // so that the upper half counts below
	}
	for i := range len(id) {
		sum = (sum ^ uint64(id[i])) * golden
		sum ^= sum >> 32
	}
	for i := range tie {
		tie[i] = alphabet[sum>>58]
		sum <<= 6
	}
	return tie
}

// MaxLabel is the length of the longest label in bytes.
const MaxLabel = 512

// Labels returns the labels of a record that Go wrote, without those of log-ins that Node has replaced or
// ended since. A record that Go never wrote has no labels in the index yet.
func (r *Record) Labels() []string {
	if r.notes.born == 0 {
		return nil
	}
	list, _ := r.labels(r.Slots())
	return list
}

// Indexed returns the labels under which a record that Go wrote may be in the index: those of Labels, and
// those of log-ins that Node has replaced or ended since. An end of the sessions under one of the latter
// must not follow this session to its successor, which is another user's.
func (r *Record) Indexed() []string {
	if r.notes.born == 0 {
		return nil
	}
	list, _ := r.labels(r.Slots())
	if len(list) == 0 || !r.slot.ByGo || r.notes.keys != nil { // rare
		list = append(list, r.replaced(list)...)
	}
	return list
}

// replaced returns the labels in r's notes that are not in list any more.
func (r *Record) replaced(list []string) (old []string) {
	if r.notes.labels != nil {
		old = stringsOf(r.notes.labels)
	} else if user := rawjson.Find(rawjson.Find(r.Value(PassportKey), "go"), "for"); user != nil {
		old = []string{Slot{User: user, Key: PassportKey}.label()}
	}
	return slices.DeleteFunc(old, func(l string) bool { return l == "" || slices.Contains(list, l) })
}

// labels returns the labels of r with the log-ins slots, and whether they must be written: a log-in that
// Node made gets the label of its user, so that all sessions of a user are found, and loses those of the
// former log-in under its key.
func (r *Record) labels(slots []Slot) (list []string, news bool) {
	listed := r.notes.labels != nil
	if listed && r.notes.born > 0 {
		list = r.ofLogIns(stringsOf(r.notes.labels), slots)
	}
	for _, s := range slots {
		if s.ByGo {
			if !listed && s.Key == PassportKey {
				if label := s.label(); label != "" {
					list = append(list, label)
				}
			}
			continue
		}
		var changed bool
		list, changed = relabelled(list, s)
		news = news || changed
	}
	return list, news
}

// ofLogIns returns list without the labels of log-ins that Node has ended.
func (r *Record) ofLogIns(list []string, slots []Slot) []string {
	for _, key := range r.SlotKeys() {
		if !slices.ContainsFunc(slots, func(s Slot) bool { return s.Key == key }) {
			list = slices.DeleteFunc(list, func(l string) bool { return strings.HasPrefix(l, key+":") })
		}
	}
	return list
}

// relabelled returns list with the label of s, which Node made, instead of all others under its key.
func relabelled(list []string, s Slot) (now []string, changed bool) {
	label := s.label()
	now = slices.DeleteFunc(list, func(l string) bool { return l != label && strings.HasPrefix(l, s.Key+":") })
	changed = len(now) < len(list)
	if label != "" && !slices.Contains(now, label) {
		return append(now, label), true
	}
	return now, changed
}

// dropNotes removes from d, a copy of r with the log-ins slots, the notes that do not count, so that the
// next write does not tie them to this id, and the devices of log-ins that Go did not make. If Go did not
// write the record under this id, every member with a guard's notes is a log-in that Node copied, and every
// device belongs to another session.
func (d *Draft) dropNotes(r *Record) {
	if r.notes.born == 0 {
		d.Members.Replace(func(value json.RawMessage) json.RawMessage {
			if rawjson.Find(rawjson.Find(value, "go"), "for") == nil {
				return value
			}
			return WithoutNotes(value)
		})
		d.Members.DeleteFunc(func(name string) bool { return strings.HasPrefix(name, DevicePrefix) })
		return
	}
	keys := r.SlotKeys()
	for _, s := range d.slots {
		keys = add(keys, s.Key)
	}
	for _, key := range keys {
		if s, _ := d.Slot(key); s.ByGo {
			continue
		}
		d.Members.Delete(DevicePrefix + key)
		if rawjson.Find(d.Members.Get(key), "go") != nil {
			d.Members.Set(key, WithoutNotes(d.Members.Get(key)))
		}
	}
}
