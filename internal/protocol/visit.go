package protocol

import (
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
	"github.com/seed-6f34412b/passport/internal/record"
)

// Visit is what one request does with one session: what it loaded, what it plans, and the result.
// The zero value is not usable: see Init. It contains pointers to itself and must not be
// copied. It is not safe for concurrent use. Callers only read the exported fields.
type Visit struct {
	// ID is the id of the session's record, "" if there is none.
	ID string
	// At is when the record was last read or written; zero if it was neither.
	At time.Time

	p     *Protocol
	phase phase
	// Unknown says that the load found no session for the ids of the request, and that the
	// primary may have one.
	Unknown bool
	// Suspect says that a live session was presented without the proof of the key that it is bound to.
	Suspect bool
	unused  bool // this request does not count as use of the session: no refresh
	// Via is the value that Present got with the id; 0 for an id that this visit made, and
	// Followed for a session that was found by its previous id.
	Via   int32
	cause error          // in phase failed the outage, in over ErrEnded or ErrChanged, in unfinished errUnfinished
	base  *record.Record // as last read or written, never nil
	wait  bounded        // the load's wait for the store
	first record.Record  // the memory for the loaded record, so that a load allocates little

	presented []presented // all ids of the request, the one in use included
	one       [1]presented

	draft *record.Draft // base with the changes of plan applied; nil when there are none
	plan  *plan         // nil while nothing is pending, as in nearly every request; never nil if there is a draft

	hidden map[string]bool // keys of the stored log-ins that a guard has revoked, or that Lost has reported
	lost   *Lost           // a presented session that is over, or the one of Suspect; nil for none
}

// phase is the state of a visit.
type phase uint8

const (
	unloaded   phase = iota
	ready            // loaded, with or without a record
	failed           // the load failed, and stays failed for the rest of the request
	over             // the session ended, or belongs to another log-in: only a log-in or log-out is accepted
	unfinished       // a panic interrupted a commit: nothing is accepted
)

// Followed is the Via of a session that was found by the id that it had before it was bound to a
// device: see Settings.Grace.
const Followed = -1

// Init prepares v for use with p.
func (v *Visit) Init(p *Protocol) {
	v.p = p
	v.base = &v.first
}

// Outage returns why the session could not be loaded, nil if it could.
func (v *Visit) Outage() error {
	if v.phase == failed {
		return v.cause
	}
	return nil
}

// Creates reports whether the commit would make a new session, for a visitor without one or in
// place of one that ends, although no credentials were checked.
func (v *Visit) Creates() bool {
	return v.phase == ready && v.draft != nil && (v.ID == "" || v.plan.end) && !v.plan.checked && !v.draft.Empty()
}

// KeepNothing makes the commit store no new session, after Creates: what the request stored is
// seen by this request only.
func (v *Visit) KeepNothing() { v.plan.unsaved = true }

// Ending reports whether an end is planned: the request then sees an empty session.
func (v *Visit) Ending() bool { return v.plan != nil && v.plan.end }

// Deadline returns the latest time at which the session's record ends.
func (v *Visit) Deadline() time.Time { return v.base.Deadline(v.p.Terms.Absolute) }

// Record returns the record as last read or written. It must not be changed.
func (v *Visit) Record() *record.Record { return v.base }

// Changes reports whether the commit has more to do than to restart the idle timeout.
func (v *Visit) Changes() bool {
	return v.draft != nil && (v.ID != "" || v.plan.end || !v.draft.Empty())
}

// NoRefresh makes the commit leave the idle timeout as it is, unless it writes for another reason,
// such as the notes that a session made by Node needs.
func (v *Visit) NoRefresh() { v.unused = true }

// Idle returns the record's own idle timeout, if it has one.
func (v *Visit) Idle() (time.Duration, bool) { return v.base.Idle() }

// Members returns the session's members as this request sees them. The result must not
// be changed, and is valid until the next change.
func (v *Visit) Members() *rawjson.Object {
	if v.draft != nil {
		return &v.draft.Members
	}
	return v.base.Members()
}

// IsSlot reports whether name is a member under which a guard keeps its log-in.
func (v *Visit) IsSlot(name string) bool {
	if name == record.PassportKey || slices.Contains(v.p.guardKeys(), name) {
		return true
	}
	return v.draft != nil && v.draft.IsSlot(name) || slices.Contains(v.base.SlotKeys(), name)
}

// Slots is IsSlot for many names, and reads the record's list of log-ins once. The returned set
// contains each of names that is a slot, and may contain other slots.
func (v *Visit) Slots(names []string) map[string]bool {
	slots := map[string]bool{record.PassportKey: true}
	for _, key := range slices.Concat(v.base.SlotKeys(), v.p.guardKeys()) {
		slots[key] = true
	}
	for _, name := range names {
		if v.draft != nil && v.draft.IsSlot(name) {
			slots[name] = true
		}
	}
	return slots
}

// Slot returns the log-in under key as this request sees it at now.
func (v *Visit) Slot(key string, now time.Time) (s record.Slot, ok bool) {
	if v.draft != nil {
		s, ok = v.draft.Slot(key)
	} else {
		s, ok = v.base.Slot(key)
	}
	hidden := v.hidden[key] && !slices.Contains(v.planned().logIns, key) // a pending log-in is a new one
	if !ok || hidden || s.Over(v.p.Terms.Absolute, now) {
		return record.Slot{}, false
	}
	return s, true
}

// Standing returns the stored log-in under key that the pending changes would replace or end. ok
// is false if nobody is logged in there, or a log-out is pending already.
func (v *Visit) Standing(key string, now time.Time) (s record.Slot, ok bool) {
	if v.Ending() || slices.Contains(v.planned().leaving, key) || v.hidden[key] {
		return record.Slot{}, false
	}
	if s, ok = v.base.Slot(key); !ok || s.Over(v.p.Terms.Absolute, now) {
		return record.Slot{}, false
	}
	return s, true
}

// Pending reports whether the log-in under key is one that the commit will store.
func (v *Visit) Pending(key string) bool { return slices.Contains(v.planned().logIns, key) }

// Carries reports whether the session has label, as this request sees it.
func (v *Visit) Carries(label string) bool {
	if v.draft != nil {
		return slices.Contains(v.draft.Labels, label)
	}
	return slices.Contains(v.base.Labels(), label)
}

// logIns returns the log-ins that are valid at now, as this request sees the session.
func (v *Visit) logIns(now time.Time) []record.Slot {
	if v.draft != nil {
		return v.draft.LogIns(v.p.Terms.Absolute, now)
	}
	return v.base.LogIns(v.p.Terms.Absolute, now, v.p.guardKeys()...)
}

// Lost is a session that is over and whose id was presented. If a request presents several and
// none of them is live, it is the last one.
type Lost struct {
	ID  string
	rec *record.Record // past its deadline; nil if the store has no record
}

// Lost returns the session that is over and the user who was logged in under key. Call it after
// Slot found nobody. user is nil if the record is gone, and with it the user and the reason. ok
// is false if no lost session is known. Each is reported once per request.
func (v *Visit) Lost(key string, now time.Time) (id string, user []byte, ok bool) {
	id, rec := v.ID, v.base
	if id == "" {
		if v.lost == nil || v.Suspect || v.Ending() {
			return "", nil, false
		}
		id, rec = v.lost.ID, v.lost.rec
	}
	if rec == nil {
		v.lost = nil
		return id, nil, true
	}
	slot, known := rec.Slot(key)
	if !known || !slot.Over(v.p.Terms.Absolute, now) || v.hidden[key] {
		return "", nil, false
	}
	v.hide(key) // as after a revocation; it is then reported once
	return id, slices.Clone(slot.User), true
}

// hide makes the log-in under key count as over for the rest of the request.
func (v *Visit) hide(key string) {
	if v.hidden == nil {
		v.hidden = map[string]bool{}
	}
	v.hidden[key] = true
}

// Writable returns nil if the session can be changed, or why not: the load failed, the session
// ended or changed, or a commit was interrupted.
func (v *Visit) Writable() error {
	if v.phase > ready {
		return v.cause
	}
	return nil
}

// Change runs o on the session and keeps it for the commit. If o fails, nothing has changed.
func (v *Visit) Change(o record.Op) error {
	if err := v.Writable(); err != nil {
		return err
	}
	d, p := v.draft, v.plan
	if p == nil {
		p = new(plan)
	}
	if d == nil {
		d = &p.first
		d.Reset(v.base, v.p.guardKeys()...)
	}
	if err := o(d, time.Now()); err != nil {
		return err
	}
	v.draft, v.plan = d, p
	p.ops = append(p.ops, o)
	return nil
}

// Note is Change for an o that changes nothing in the session as this request sees it. It causes
// no write. But if the request writes for another reason, o also runs on what another request
// may have written since.
func (v *Visit) Note(o record.Op) error {
	if err := v.Writable(); err != nil {
		return err
	}
	if v.plan == nil {
		v.plan = new(plan)
	}
	v.plan.ops = append(v.plan.ops, o)
	v.plan.leaves++
	return nil
}

// replay returns the content of rec with the changes of this request.
func (v *Visit) replay(rec *record.Record) (*record.Draft, error) {
	d, now := new(record.Draft), time.Now()
	d.Reset(rec, v.p.guardKeys()...)
	for _, o := range v.plan.ops {
		if err := o(d, now); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// ExpressJSON returns the session, as this request sees it, in the form that Express would show.
func (v *Visit) ExpressJSON() ([]byte, error) {
	d := v.draft
	if d == nil {
		d = new(record.Draft)
		d.Reset(v.base, v.p.guardKeys()...)
	}
	return d.ExpressJSON(v.p.Terms, time.Now())
}

// drop drops the pending changes.
func (v *Visit) drop() { v.draft, v.plan = nil, nil }

// try is an Update that contained the first ops of the pending changes.
type try struct {
	revision string
	ops      int
}

// skipDone drops the pending changes that are already in found, as its revisions show (S4).
func (v *Visit) skipDone(found *record.Record) {
	p := v.plan
	for i, t := range slices.Backward(p.tried) {
		if found.HasRevision(t.revision) {
			p.ops, p.tried = p.ops[t.ops:], p.tried[i+1:]
			for j := range p.tried {
				p.tried[j].ops -= t.ops
			}
			return
		}
	}
}

// adopt makes rec, which the store has under id, the base of the session.
func (v *Visit) adopt(id string, rec *record.Record) {
	if v.ID != id {
		v.Via = 0
	}
	v.ID, v.base, v.At, v.lost = id, rec, time.Now(), nil
	v.draft, v.plan = nil, nil
}

// clear makes the session an empty one without a record.
func (v *Visit) clear() { v.adopt("", new(record.Record)) }

// finish drops the pending changes and refuses further ones with err.
func (v *Visit) finish(err error) {
	v.drop()
	v.phase, v.cause = over, err
}
