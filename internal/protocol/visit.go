package protocol

import (
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
	"github.com/seed-6f34412b/passport/internal/record"
)

// Visit is what one request does with one session: what it loaded, what it plans, and
// what became of that. The zero value is not usable: see Init. It points into itself and
// must not be copied. It is not safe for concurrent use. The exported fields are to be read.
type Visit struct {
	// ID is the id under which the session's record lies, "" when there is none.
	ID string
	// At is when the record was asked for or written; zero when it was neither.
	At time.Time

	p     *Protocol
	phase phase
	// Unknown says that the load has found nothing of what the request presents, and that the
	// primary may know more.
	Unknown bool
	// Suspect says that a live session was presented without the proof that it is bound to.
	Suspect bool
	unused  bool // this request does not count as use of the session: no refresh
	// Via is what Present was told of that id; 0 for one that this visit made, and Followed for
	// one that it found by the id before.
	Via   int32
	cause error          // failed: the outage; over: ErrEnded or ErrChanged; unfinished: errUnfinished
	base  *record.Record // as last read or written, never nil
	wait  bounded        // the load's wait for the store
	first record.Record  // where the record that was loaded is parsed, so that a load allocates little

	presented []presented // what the request presents, the id in use included
	one       [1]presented

	draft *record.Draft // base with the changes of plan applied; nil when there are none
	plan  *plan         // nil while nothing is pending, as in nearly every request; never nil beside a draft

	hidden map[string]bool // slot keys whose stored log-ins a guard has revoked, or was told are over
	lost   *Lost           // what was presented and is over, or is the one of Suspect; nil for nothing
}

// phase says where a visit stands.
type phase uint8

const (
	unloaded   phase = iota
	ready            // with a record, or without one
	failed           // the store could not be asked; the same for the rest of the request
	over             // the session ended, or belongs to another log-in: nothing but a log-in or a log-out is taken
	unfinished       // a panic left a commit half done: nothing at all is taken
)

// Followed is the Via of a session that was found by the id that it had before it was bound, a
// moment ago: see Settings.Grace.
const Followed = -1

// Init makes v a visit by the rules of p.
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

// Creates reports whether the commit is to make a session for a visitor who brought none, or
// in place of one that ends, though no credentials were checked.
func (v *Visit) Creates() bool {
	return v.phase == ready && v.draft != nil && (v.ID == "" || v.plan.end) && !v.plan.checked && !v.draft.Empty()
}

// KeepNothing has the commit make no new session, after Creates: what the request stores is for
// itself alone.
func (v *Visit) KeepNothing() { v.plan.unsaved = true }

// Ending reports whether an end is planned: the request sees an empty session.
func (v *Visit) Ending() bool { return v.plan != nil && v.plan.end }

// Deadline returns when the session's record ends at the latest.
func (v *Visit) Deadline() time.Time { return v.base.Deadline(v.p.Terms.Absolute) }

// Record returns the record as last read or written. It must not be changed.
func (v *Visit) Record() *record.Record { return v.base }

// Changes reports whether the commit has something else to do than to refresh the session.
func (v *Visit) Changes() bool {
	return v.draft != nil && (v.ID != "" || v.plan.end || !v.draft.Empty())
}

// NoRefresh has the commit leave the idle timeout where it is, unless it writes anyway: also
// what a session that Node made has to have noted.
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

// IsSlot reports whether name is a member that guards own.
func (v *Visit) IsSlot(name string) bool {
	if name == record.PassportKey || slices.Contains(v.p.guardKeys(), name) {
		return true
	}
	return v.draft != nil && v.draft.IsSlot(name) || slices.Contains(v.base.SlotKeys(), name)
}

// Slots is IsSlot for many names, and reads the record's list of log-ins once: the set that
// it returns has those of names that are members that guards own, and may have others.
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
	hidden := v.hidden[key] && !slices.Contains(v.planned().logIns, key) // one that is pending is another one
	if !ok || hidden || s.Over(v.p.Terms.Absolute, now) {
		return record.Slot{}, false
	}
	return s, true
}

// Standing returns the log-in under key that is stored, and that what is pending under key would
// replace or end. ok is false where nobody is logged in there, or a log-out is pending already.
func (v *Visit) Standing(key string, now time.Time) (s record.Slot, ok bool) {
	if v.Ending() || slices.Contains(v.planned().leaving, key) || v.hidden[key] {
		return record.Slot{}, false
	}
	if s, ok = v.base.Slot(key); !ok || s.Over(v.p.Terms.Absolute, now) {
		return record.Slot{}, false
	}
	return s, true
}

// Pending reports whether the log-in under key is one that the commit is to store.
func (v *Visit) Pending(key string) bool { return slices.Contains(v.planned().logIns, key) }

// Carries reports whether the session has label, as this request sees it.
func (v *Visit) Carries(label string) bool {
	if v.draft != nil {
		return slices.Contains(v.draft.Labels, label)
	}
	return slices.Contains(v.base.Labels(), label)
}

// logIns returns who is logged in at now, as this request sees the session.
func (v *Visit) logIns(now time.Time) []record.Slot {
	if v.draft != nil {
		return v.draft.LogIns(v.p.Terms.Absolute, now)
	}
	return v.base.LogIns(v.p.Terms.Absolute, now, v.p.guardKeys()...)
}

// Lost is a session whose id was presented and that is over. The last one counts, where a
// request presents several and none of them lives.
type Lost struct {
	ID  string
	rec *record.Record // past its deadline; nil when the store does not know the id any more
}

// Lost returns the session that is over, and who was logged in under key, after Slot
// found nobody. user is nil when the record is gone, and with it who and why. ok is false
// when there was none as far as that can be known. Each is reported once.
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
	v.hide(key) // like one that was revoked, so that it is reported once
	return id, slices.Clone(slot.User), true
}

// hide makes the log-in under key count as over for the rest of the request.
func (v *Visit) hide(key string) {
	if v.hidden == nil {
		v.hidden = map[string]bool{}
	}
	v.hidden[key] = true
}

// Writable returns why the session cannot be changed, if so: the outage of its load, that
// it ended or changed, or that a commit was left half done.
func (v *Visit) Writable() error {
	if v.phase > ready {
		return v.cause
	}
	return nil
}

// Change runs o on the session and keeps it for the commit. After an error of o nothing
// has changed.
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

// Note is Change for an o that changes nothing, as this request sees the session. By itself
// it writes nothing; a request that writes something carries it out too, on what another
// request may have written since.
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

// ExpressJSON returns the session, as this request sees it, as Express would show it.
func (v *Visit) ExpressJSON() ([]byte, error) {
	d := v.draft
	if d == nil {
		d = new(record.Draft)
		d.Reset(v.base, v.p.guardKeys()...)
	}
	return d.ExpressJSON(v.p.Terms, time.Now())
}

// drop forgets what is pending.
func (v *Visit) drop() { v.draft, v.plan = nil, nil }

// try is an Update with the first ops of the pending changes.
type try struct {
	revision string
	ops      int
}

// skipDone forgets the pending changes that found shows to be in it already (S4).
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

// adopt makes rec, which is in the store under id, what the session is based on.
func (v *Visit) adopt(id string, rec *record.Record) {
	if v.ID != id {
		v.Via = 0
	}
	v.ID, v.base, v.At, v.lost = id, rec, time.Now(), nil
	v.draft, v.plan = nil, nil
}

// clear makes the session an empty one without a record.
func (v *Visit) clear() { v.adopt("", new(record.Record)) }

// finish says that nothing can be written any more, because of err.
func (v *Visit) finish(err error) {
	v.drop()
	v.phase, v.cause = over, err
}
