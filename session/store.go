package session

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Store keeps the records of sessions: opaque bytes under an id, each with a time
// to live. It is the whole contract between this package and a database.
//
// A Store is safe for concurrent use. It must not keep or change the slices it is
// given, nor change those it returned. Every method honours ctx: when it ends, the
// method returns soon, at most two seconds later, with an error that wraps the
// context's. The rules are checked one by one by package sessiontest.
//
// An id is at most 512 bytes of printable ASCII without braces. A record may hold
// any bytes.
type Store interface {
	// Get returns the record of id. It returns ErrNotFound when there is none or its
	// time has come; any other error is an outage. It may answer from a replica or a
	// cache if the application chose one (see PrimaryReader).
	Get(ctx context.Context, id string) ([]byte, error)

	// Create stores data under an id that has no record, to be forgotten after ttl.
	// It returns ErrExists, and changes nothing, when there is one. It is executed at
	// most once: an implementation never sends it a second time on its own. After
	// any error the caller gives the id up. A ttl under one millisecond is an error.
	Create(ctx context.Context, id string, data []byte, ttl time.Duration) error

	// Update replaces the record of id by new, with a new ttl, if its bytes are
	// exactly old (compare-and-swap). Otherwise it changes nothing and returns a
	// *Conflict with the bytes that are there, read in the same step from the
	// authority, or ErrNotFound: it never creates. A ttl under one millisecond is an
	// error.
	Update(ctx context.Context, id string, old, new []byte, ttl time.Duration) error

	// Delete removes the record of id. With old nil it does so unconditionally and an
	// unknown id is not an error. Otherwise it removes the record only if its bytes
	// are exactly old, and returns a *Conflict or ErrNotFound when they are not.
	Delete(ctx context.Context, id string, old []byte) error
}

// ErrNotFound is returned by Get, Update and Delete when the id has no record.
var ErrNotFound = errors.New("session: no such session")

// ErrExists is returned by Create when the id already has a record.
var ErrExists = errors.New("session: id already in use")

// ErrConflict is what every [*Conflict] matches with errors.Is.
var ErrConflict = errors.New("session: record was changed by another request")

// Conflict is returned by Update, Delete and End when the record is not what the
// caller last saw. It matches ErrConflict.
type Conflict struct {
	Current []byte // the record as it is, never nil
}

// Error implements error. It says nothing of the record's content.
func (*Conflict) Error() string { return ErrConflict.Error() }

// Is reports whether target is ErrConflict.
func (*Conflict) Is(target error) bool { return target == ErrConflict }

// Ender is an ability of a Store: to end a record and leave a note of what came of
// it, in one step. With it a log-out that races with a renewal is final in either
// order; without it the loser of that race may survive.
//
// The note is read by End only: Get, Create and Update of the id behave as if it
// were not there, except that a store that keeps tombstones treats the id as
// unknown for as long as the note lives.
type Ender interface {
	// End removes the record of id, like Delete, and leaves a note for life: next,
	// the id that continues the session, or, if next is empty and the store keeps
	// tombstones, a mark that the id has ended. A life of zero leaves no note. A store
	// that keeps no tombstones keeps next for at most ten minutes.
	//
	// old nil ends it unconditionally; an unknown id is not an error. Otherwise a
	// *Conflict or ErrNotFound says that nothing was ended. A note that is there
	// already stays. Repeating a call that succeeded with the same next succeeds.
	//
	// successor is the id in the note that was there before, also beside ErrNotFound;
	// empty when there is none.
	End(ctx context.Context, id string, old []byte, next string, life time.Duration) (successor string, err error)
}

// Index is an ability of a Store: to find the sessions that carry a label.
// An entry is a hint: the record decides. All methods ask the authority, never a
// replica or a cache.
type Index interface {
	// AddLabel notes that the session id carries label, until deadline at the latest.
	// Adding again moves the deadline.
	AddLabel(ctx context.Context, label, id string, deadline time.Time) error
	// RemoveLabel forgets ids under label. Unknown ids and labels are not an error.
	RemoveLabel(ctx context.Context, label string, ids ...string) error
	// Labelled lists the ids under label, oldest deadline first.
	Labelled(ctx context.Context, label string) ([]string, error)
}

// Iterator is an ability of a Store: to walk all its records.
type Iterator interface {
	// All yields every record that lives through the whole walk at least once, in no
	// order, with bounded memory. An error ends the walk.
	All(ctx context.Context) iter.Seq2[Record, error]
}

// Record is one stored session, as Iterator yields it.
type Record struct {
	ID   string // secret: with it and a cookie secret one is the user
	Data []byte // the record's JSON
}

// PrimaryReader is an ability of a Store whose Get may be stale: to read the
// authority itself, past any replica or cache. It is not asked for what Get did not find where
// the error is an ErrNotFound that has a method Authority() any, which returns the store, a
// pointer: the answer is the authority's already.
type PrimaryReader interface {
	// GetPrimary is Get, read from the authority.
	GetPrimary(ctx context.Context, id string) ([]byte, error)
}

// Batch is an ability of a Store: to read and to end many records in one trip, or a few.
// A list of a user's sessions, and the end of all of them, would otherwise cost a trip for
// each. Both methods ask the authority, never a replica or a cache.
type Batch interface {
	// GetMany returns the records of ids, in the same order, nil where there is none. An
	// error is an outage.
	GetMany(ctx context.Context, ids []string) ([][]byte, error)

	// EndMany removes the records of ids as End does without old and next, or as Delete
	// does if the store is no Ender; unknown ids are not an error. successors are End's, in the
	// order of ids, empty where there is none. After an error each of them may have ended
	// or not; the call can be repeated.
	EndMany(ctx context.Context, ids []string, life time.Duration) (successors []string, err error)
}

// NewRecord is what a [Combiner] stores, and what it ends with that.
type NewRecord = struct {
	ID       string        // of the new record
	Data     []byte        // Create's
	TTL      time.Duration // Create's
	Labels   []string      // under which AddLabel enters ID
	Deadline time.Time     // AddLabel's

	OldID     string        // of the record that ends; empty where none does
	OldData   []byte        // End's old, not nil
	OldLife   time.Duration // End's life
	OldLabels []string      // under which RemoveLabel forgets OldID
}

// Combiner is an ability of a Store that is an Ender and an Index: to take the steps of a
// log-in, or of a log-out, in one trip, and so that nobody sees one without the others. A
// method that returns an error that matches errors.ErrUnsupported has done nothing, except
// EndManyIndexed, and the steps are taken one by one.
type Combiner interface {
	// Combines returns the store itself, a pointer. A type that embeds the store has that store's Combines,
	// and is asked one step at a time: the methods that it replaces are called. One that replaces all
	// methods here is asked for several steps again.
	Combines() any

	// CreateIndexed is Create of n.ID and AddLabel of it under each of n.Labels, and then, if n.OldID is
	// not empty, End of that without next; oldEnded reports whether that ended it, and
	// then it is forgotten under n.OldLabels. That the old record is not n.OldData, or gone, is no error.
	// It is executed at most once: an implementation never sends it a second time on its own.
	// After an error the caller gives n.ID up, and what was done of it was done in that order.
	CreateIndexed(ctx context.Context, n NewRecord) (oldEnded bool, err error)

	// EndIndexed is End of id without old and next, and then RemoveLabel of it under labels, as
	// well as it can. Repeating a call is harmless.
	EndIndexed(ctx context.Context, id string, life time.Duration, labels []string) (successor string, err error)

	// EndManyIndexed is Batch's EndMany of ids, and then RemoveLabel of each id under its labels, which has
	// the order of ids. It is one trip, or a few, and each id and its labels are one step. Repeating a call
	// is harmless. After an error that matches errors.ErrUnsupported some of ids may have ended, and EndMany
	// of all of them follows.
	EndManyIndexed(ctx context.Context, ids []string, life time.Duration, labels [][]string) (successors []string, err error)
}

// Notifier is an ability of a Store: to tell every process at once which records ended, so that
// what goes on with a log-in, such as a stream of events, ends with it (guard.Guard.Watch).
// Without it only the process that ends a session knows at once, and others after
// Config.WatchInterval. A notice hastens a look at the store and decides nothing, so one may be
// late, come twice, or be lost.
type Notifier interface {
	// Listen calls tell with the notice of each record that Delete, End or EndMany removes, or a
	// Combiner, by this store or another on the same records, as EndNotice and EndManyNotice have it. The
	// notice is sent in the step that removes the record. A record whose time has come has none.
	// Of one that somebody has written back beside a note that names a successor, the notice is
	// EndNotice's with that as next: the session went on before, and did not end now.
	//
	// It first calls tell with "", once it is sure to hear of what ends from then on, and again
	// whenever it may have missed something. tell does not block, and may be called concurrently.
	// Listen returns when ctx ends, or when it cannot go on; it is called again then, but for an
	// error that matches errors.ErrUnsupported: this store was not told to notify.
	Listen(ctx context.Context, tell func(notice string)) error
}

// ChangeNotifier is an ability of a [Notifier]: to tell of a change that removed no record, the
// log-out of one of two guards' users. Without it other processes notice that only after
// Config.WatchInterval.
type ChangeNotifier interface {
	Notifier
	// Notify calls each tell of those who Listen, to this store or another on the same records, with
	// notice. A notice is best effort: after an error some may have got it. The error matches
	// errors.ErrUnsupported if this store was not told to notify.
	Notify(ctx context.Context, notice string) error
}
