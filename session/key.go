package session

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
	"github.com/seed-6f34412b/passport/internal/record"
	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// Key is the name of a value of type T in the session: a property of Express's
// req.session. It is declared once:
//
//	const Cart session.Key[CartData] = "cart"
//
// Values are stored as JSON, written the way JSON.stringify writes them. What other
// programs stored under other names stays byte for byte. Node loses the precision of
// whole numbers above 2^53.
//
// Sessions outlive releases. A member that is added to a struct needs nothing: it is zero in
// older values. A type that changes needs another name, or else code for both while older
// sessions live:
//
//	cart, _, err := Cart.Get(s)
//	if errors.Is(err, session.ErrValueType) { // the list that we stored before May
//		items, _, _ := session.Key[[]string](Cart).Get(s)
//		cart, err = CartData{Items: items}, nil
//	}
type Key[T any] string

// AnyKey is a Key of any type. Other packages cannot implement it.
type AnyKey interface{ keyName() string }

func (k Key[T]) keyName() string { return string(k) }

// Get returns the value, and false when there is none. The error is ErrValueType when the
// value has another type than T.
func (k Key[T]) Get(s *Session) (T, bool, error) {
	s.lock()
	raw := s.member(string(k))
	s.mu.Unlock()
	return k.decode(raw)
}

func (k Key[T]) decode(raw json.RawMessage) (v T, ok bool, err error) {
	if raw == nil {
		return v, false, nil
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		var zero T
		return zero, false, fmt.Errorf("session: value %q: %w: %w", string(k), ErrValueType, err)
	}
	return v, true, nil
}

// Has reports whether there is a value, of whatever type.
func (k Key[T]) Has(s *Session) bool {
	s.lock()
	defer s.mu.Unlock()
	return s.member(string(k)) != nil
}

// Pop returns the value, as Get does, and deletes it. Two requests that pop it at the same
// time both get it, as with [Session.Flashes]. If it must be used only once, use
// [Key.Update] with a function that returns an error when the value was used. Its errors
// are those of Get, after which the value stays, and of Delete.
func (k Key[T]) Pop(s *Session) (v T, ok bool, err error) {
	if err := checkName(string(k)); err != nil {
		return v, false, err
	}
	s.lock()
	defer s.mu.Unlock()
	if s.visit.IsSlot(string(k)) {
		return v, false, errSlotKey(string(k))
	}
	if v, ok, err = k.decode(s.member(string(k))); !ok {
		return v, false, err
	}
	if err := s.remove(string(k)); err != nil {
		var zero T
		return zero, false, err
	}
	return v, true, nil
}

// member returns the text of a top-level member. A log-in past its limit is absent, and one in the record
// has only the notes that count.
func (s *Session) member(name string) json.RawMessage {
	raw := s.visit.Members().Get(name)
	if raw == nil || !s.visit.IsSlot(name) {
		return raw
	}
	switch slot, ok := s.visit.Slot(name, time.Now()); {
	case !ok:
		return nil
	case !slot.ByGo:
		return record.WithoutNotes(raw)
	}
	return raw
}

// Set stores v. When another request sets the same key at the same time, the last commit
// wins; use [Key.Update] where the new value depends on the old. Setting a key to the
// value that it has already, as this request sees it, writes nothing, as in Express: a
// value that another request set since then stays. If the request also writes something
// else, this value is written too.
//
// The error says that v has no JSON form, that the name cannot be used (Node drops some,
// and some are reserved), that it is too large (ErrTooLarge), or that the session cannot
// be changed any more: ErrCommitted, ErrSessionEnded.
func (k Key[T]) Set(s *Session, v T) error {
	raw, err := rawjson.Marshal(v)
	if err != nil {
		return fmt.Errorf("session: value %q: %w", string(k), err)
	}
	return s.set(string(k), raw)
}

// Update replaces the value by what f makes of it; f gets the zero T when there is
// none. If another request changed the session meanwhile, f runs again on what that
// one wrote, so that no update is lost: f must not have side effects. It cannot use the
// session, and panics when it tries. An error of f leaves the session as it was and is
// returned as it is. Other errors are those of Set, and ErrValueType.
func (k Key[T]) Update(s *Session, f func(T) (T, error)) error {
	if err := checkName(string(k)); err != nil {
		return err
	}
	s.lock()
	defer s.mu.Unlock()
	if s.visit.IsSlot(string(k)) {
		return errSlotKey(string(k))
	}
	return s.change(func(d *record.Draft, _ time.Time) error {
		v, _, err := k.decode(d.Members.Get(string(k)))
		if err != nil {
			return err
		}
		err = s.running(inUpdate, func() (err error) { v, err = f(v); return err })
		if err != nil {
			return err
		}
		raw, err := rawjson.Marshal(v)
		if err != nil {
			return fmt.Errorf("session: value %q: %w", string(k), err)
		}
		return d.Put(string(k), raw)
	})
}

// Delete removes the value. Deleting what is not there changes nothing. Its errors
// are those of Set.
func (k Key[T]) Delete(s *Session) error {
	if err := checkName(string(k)); err != nil {
		return err
	}
	s.lock()
	defer s.mu.Unlock()
	return s.remove(string(k))
}

func (s *Session) set(name string, raw json.RawMessage) error {
	if err := checkName(name); err != nil {
		return err
	}
	s.lock()
	defer s.mu.Unlock()
	if s.visit.IsSlot(name) {
		return errSlotKey(name)
	}
	set := func(d *record.Draft, _ time.Time) error { return d.Put(name, raw) }
	if old := s.visit.Members().Get(name); old != nil && string(old) == string(raw) {
		return s.note(set)
	}
	return s.change(set)
}

func (s *Session) remove(name string) error {
	if s.visit.IsSlot(name) {
		return errSlotKey(name)
	}
	del := func(d *record.Draft, _ time.Time) error {
		d.Members.Delete(name)
		return nil
	}
	if s.visit.Members().Get(name) == nil {
		return s.note(del)
	}
	return s.change(del)
}

func errSlotKey(name string) error {
	return fmt.Errorf("session: value %q: this is a guard's log-in: use guard.LogInUser and guard.LogOutUser", name)
}

// checkName refuses names that cannot be keys.
func checkName(name string) error {
	switch {
	case name == record.CookieKey || name == record.NotesKey:
		return fmt.Errorf("session: value %q: the name is taken by the session's own data", name)
	case reqstate.NodeDrops(name):
		return fmt.Errorf("session: value %q: Node's express-session drops a value of that name: choose another", name)
	}
	return nil
}
