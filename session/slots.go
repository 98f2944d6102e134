package session

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// slots is the Session as guards see it.
type slots Session

var _ reqstate.Slots = (*slots)(nil)

// use locks the session, loads it, and notes that a guard asks about key.
func (t *slots) use(ctx context.Context, key string) (*Session, error) {
	s := (*Session)(t)
	if _, err := s.loaded(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	if key != passportKey && !slices.Contains(s.plan.watch, key) {
		s.plan.watch = append(s.plan.watch, key)
	}
	return s, nil
}

func (t *slots) Slot(ctx context.Context, key string) (reqstate.Slot, error) {
	s, err := t.use(ctx, key)
	if err != nil {
		return reqstate.Slot{}, err
	}
	defer s.mu.Unlock()
	slot, _ := s.liveSlot(key, s.at)
	return slot, nil
}

// liveSlot returns the log-in under key as this request sees it at now.
func (s *Session) liveSlot(key string, now time.Time) (reqstate.Slot, bool) {
	if slices.Contains(s.plan.about().hidden, key) {
		return reqstate.Slot{}, false
	}
	if s.draft != nil {
		return s.draft.live(key, s.m.cfg.AbsoluteTimeout, now)
	}
	return s.rec.live(key, s.m.cfg.AbsoluteTimeout, now)
}

// live returns the log-in under key if its time is not over.
func (d *draft) live(key string, absolute time.Duration, now time.Time) (reqstate.Slot, bool) {
	slot, ok := d.slotAt(key)
	if !ok {
		return reqstate.Slot{}, false
	}
	since := slot.At
	if since.IsZero() && d.born > 0 {
		since = time.UnixMilli(d.born)
	}
	if !since.IsZero() && !now.Before(since.Add(absolute)) {
		return reqstate.Slot{}, false
	}
	return slot, true
}

// allKeys returns the slot keys of d, passport's own included.
func (d *draft) allKeys() []string { return addString(slices.Clone(d.keys), passportKey) }

// others reports whether somebody is logged in under another key than key.
func (d *draft) others(key string, absolute time.Duration, now time.Time) bool {
	return slices.ContainsFunc(d.allKeys(), func(k string) bool {
		_, ok := d.live(k, absolute, now)
		return ok && k != key
	})
}

func (t *slots) LogIn(ctx context.Context, l reqstate.LogIn) error {
	s, err := t.use(ctx, l.Key)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	if s.gone != nil && !s.closed {
		if l.Renews {
			return s.gone
		}
		s.gone = nil // whatever became of the old session, a log-in starts its own
		s.forget()
	}
	if l.Renews {
		if now, ok := s.liveSlot(l.Key, time.Now()); !ok || !bytes.Equal(now.User, l.Slot.User) {
			return ErrSessionChanged
		}
	}
	if l.Slot.At.IsZero() && !l.NoTime {
		l.Slot.At = time.Now()
	}
	if err := s.change(s.m.logInOp(l)); err != nil {
		return err
	}
	s.plan.move = true
	w := s.plan.set()
	if !l.Renews {
		w.proved = addString(w.proved, l.Key)
		w.checked = w.checked || !l.NoTime
	}
	w.hidden = removeString(w.hidden, l.Key)
	return nil
}

func (t *slots) OnStored(f func(ctx context.Context, ref string) error) {
	s := (*Session)(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan.set().stored = f
}

// logInOp puts a log-in into the session. The same user keeps the session's values;
// after somebody else's log-in they are dropped; from a visitor whom nobody knew only
// those named in Keep stay. Other guards' log-ins stay in any case.
func (m *Manager) logInOp(l reqstate.LogIn) op {
	value := json.RawMessage(reqstate.AppendSlot(nil, l.Slot))
	return func(d *draft, now time.Time) error {
		abs := m.cfg.AbsoluteTimeout
		former, known := d.live(l.Key, abs, now)
		others := d.others(l.Key, abs, now)
		same := known && bytes.Equal(former.User, l.Slot.User)
		keep := func(name string) bool {
			switch {
			case same || others && !known:
				return true
			case name == cookieKey || slices.Contains(d.allKeys(), name):
				return others
			}
			return !known && slices.Contains(l.Keep, name)
		}
		d.obj.DeleteFunc(func(name string) bool { return !keep(name) })
		if !same && !others {
			d.labels, d.keys = nil, nil
		}
		if !others {
			d.born = 0 // the limit is the log-in's own
		}
		m.dropSlots(d, now, l.Key)
		d.keys = addString(d.keys, l.Key)
		for _, label := range l.Labels {
			d.labels = addString(d.labels, label)
		}
		d.obj.Set(l.Key, value)
		if l.MaxAge != nil {
			return m.setMaxAge(d, *l.MaxAge)
		}
		return nil
	}
}

// dropSlots removes the log-in under key and those whose time is over, with the
// labels that bear their keys.
func (m *Manager) dropSlots(d *draft, now time.Time, key string) {
	for _, k := range d.allKeys() {
		if _, ok := d.live(k, m.cfg.AbsoluteTimeout, now); ok && k != key {
			continue
		}
		d.obj.Delete(k)
		d.keys = removeString(d.keys, k)
		d.labels = slices.DeleteFunc(slices.Clone(d.labels), func(l string) bool { return strings.HasPrefix(l, k+":") })
	}
}

// leaveOp removes the log-in under key.
func (m *Manager) leaveOp(key string) op {
	return func(d *draft, now time.Time) error {
		m.dropSlots(d, now, key)
		return nil
	}
}

func (t *slots) StepUp(ctx context.Context, key string, slot reqstate.Slot) error {
	s, err := t.use(ctx, key)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	value := json.RawMessage(reqstate.AppendSlot(nil, slot))
	err = s.change(func(d *draft, now time.Time) error {
		former, ok := d.live(key, s.m.cfg.AbsoluteTimeout, now)
		if !ok || !bytes.Equal(former.User, slot.User) {
			return ErrSessionChanged
		}
		d.keys = addString(d.keys, key)
		d.obj.Set(key, value)
		return nil
	})
	if err != nil {
		return err
	}
	s.plan.move = true
	return nil
}

func (t *slots) LogOut(ctx context.Context, key string) error {
	s, err := t.use(ctx, key)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	if s.closed {
		return s.writable()
	}
	w := s.plan.set()
	w.hidden = removeString(w.hidden, key)
	var d draft
	if s.draft != nil {
		d.obj.CopyFrom(&s.draft.obj)
		d.born, d.keys = s.draft.born, s.draft.keys
	} else {
		d.reset(s.rec)
	}
	d.keys = append(slices.Clone(d.keys), s.plan.watch...)
	if !d.others(key, s.m.cfg.AbsoluteTimeout, time.Now()) {
		s.endAtCommit(key)
		return nil
	}
	if err := s.change(s.m.leaveOp(key)); err != nil {
		return err
	}
	s.plan.move = true
	s.plan.set().follow = key
	return nil
}

// endAtCommit plans the end of every presented id. From now on the request sees an
// empty session; what it stores goes into a new one.
func (s *Session) endAtCommit(key string) {
	s.dropChanges()
	s.gone = nil
	s.plan.end, s.plan.set().endKey = true, key
	s.draft = new(draft)
	if s.req != nil {
		s.req.dropCookies() // of a session that this request made: nobody may get in by it
	}
}

func (t *slots) Revoke(ctx context.Context, key string) {
	s, err := t.use(ctx, key)
	if err != nil {
		return
	}
	defer s.mu.Unlock()
	w := s.plan.set()
	w.hidden = addString(w.hidden, key)
	if s.rec.data == nil || s.draft != nil || slices.ContainsFunc(s.rec.liveKeys(s.m.cfg.AbsoluteTimeout, time.Now()), func(k string) bool { return k != key }) {
		return // nothing to end, or somebody else's log-in lives in it
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.m.cfg.StoreTimeout)
	defer cancel()
	s.m.revoke(ctx, s.id, s.rec)
	s.forget()
	s.gone = ErrSessionEnded // nothing may replace it within this request (S11, S13)
}

// revoke ends the record of a user who is gone, if it still is what was read.
func (m *Manager) revoke(ctx context.Context, id string, rec *record) {
	if _, err := m.end(ctx, id, rec.data, "", m.noteLife(rec)); err != nil {
		m.cfg.Logger.WarnContext(ctx, "session: revoked log-in not deleted; it is refused at every request", "session", refOf(id), "error", err)
		return
	}
	m.unindex(ctx, rec.labels(), id)
}

// Forget keeps the log-out that the request asked for before: its caller was told that
// it will happen.
func (t *slots) Forget() {
	s := (*Session)(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.state != stateLoaded {
		return
	}
	end, w := s.plan.end, s.plan.about()
	s.dropChanges()
	switch {
	case end:
		s.plan.end, s.plan.set().endKey = true, w.endKey
		s.draft = new(draft)
	case w.follow != "" && s.change(s.m.leaveOp(w.follow)) == nil:
		s.plan.move, s.plan.set().follow = true, w.follow
	}
}

func (t *slots) Take(ctx context.Context, key string) (json.RawMessage, error) {
	s, err := t.use(ctx, passportKey)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	raw := slices.Clone(s.view().Get(key))
	if raw == nil {
		return nil, nil
	}
	return raw, s.remove(key)
}
