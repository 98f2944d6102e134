package session

import (
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
	"github.com/seed-6f34412b/passport/internal/record"
)

// flashKey is where connect-flash keeps its messages: {"type":["text",…]}
// (connect-flash lib/flash.js).
const flashKey Key[map[string][]string] = "flash"

// MaxFlashes is how many flash messages of one kind a session holds.
const MaxFlashes = 100

// Flash stores a message of the given kind ("info", "error") for the next page that takes
// it: connect-flash's req.flash(type, message). Messages that requests add at the same
// time are all kept, up to MaxFlashes of each kind: beyond that the oldest are dropped.
// Its errors are those of [Key.Set].
func (s *Session) Flash(kind, message string) error {
	s.lock()
	defer s.mu.Unlock()
	return s.editFlash(kind, func(list []string) []string {
		list = append(list, message)
		return list[max(0, len(list)-MaxFlashes):]
	})
}

// Flashes returns the messages of the given kind, oldest first, and removes them:
// connect-flash's req.flash(type). A message that another request adds meanwhile
// stays for the next call.
func (s *Session) Flashes(kind string) ([]string, error) {
	s.lock()
	defer s.mu.Unlock()
	all, _, err := flashKey.decode(s.visit.Members().Get(string(flashKey)))
	if err != nil {
		return nil, err
	}
	taken := all[kind]
	if len(taken) == 0 {
		return nil, nil
	}
	err = s.editFlash(kind, func(list []string) []string {
		for _, text := range taken { // runs again on what another request wrote
			if i := slices.Index(list, text); i >= 0 {
				list = slices.Delete(list, i, i+1)
			}
		}
		return list
	})
	if err != nil {
		return nil, err
	}
	return slices.Clone(taken), nil
}

// editFlash changes the list of one kind; other kinds keep their text.
func (s *Session) editFlash(kind string, edit func([]string) []string) error {
	return s.change(func(d *record.Draft, _ time.Time) error {
		var all rawjson.Object
		if raw := d.Members.Get(string(flashKey)); raw != nil && all.Parse(raw) != nil {
			all = rawjson.Object{} // not written by connect-flash, which would fail: replace it
		}
		list, _, err := Key[[]string](flashKey).decode(all.Get(kind))
		if err != nil {
			list = nil // not a list of strings: replace it
		}
		if list = edit(list); len(list) == 0 {
			all.Delete(kind)
		} else {
			raw, err := rawjson.Marshal(list)
			if err != nil {
				return err
			}
			all.Set(kind, raw)
		}
		return d.Put(string(flashKey), all.AppendTo(nil))
	})
}
