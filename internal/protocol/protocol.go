// Package protocol is docs/PROTOCOL.md in code: how a session is found, changed, moved and
// ended, so that a log-out is final and no update is lost. It gets a store and records,
// and carries out what a request plans. It knows no HTTP and no cookies.
//
// A [Protocol] belongs to one configuration. A [Visit] is what one request does with one
// session: it loads, plans changes, and commits them. The commit returns an [Outcome],
// from which the caller knows what to tell the browser.
package protocol

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-6f34412b/passport/internal/record"
)

// Store is the part of session.Store that the protocol needs, declared again so that
// neither package needs the other. session.Store has the contract.
type Store interface {
	// As session.Store has them.
	Get(ctx context.Context, id string) ([]byte, error)
	Create(ctx context.Context, id string, data []byte, ttl time.Duration) error
	Update(ctx context.Context, id string, old, new []byte, ttl time.Duration) error
	Delete(ctx context.Context, id string, old []byte) error
}

// Ender is session.Ender: it ends a record and leaves a note.
type Ender interface {
	End(ctx context.Context, id string, old []byte, next string, life time.Duration) (successor string, err error)
}

// Index is session.Index: it finds the sessions that carry a label.
type Index interface {
	// As session.Index has them.
	AddLabel(ctx context.Context, label, id string, deadline time.Time) error
	RemoveLabel(ctx context.Context, label string, ids ...string) error
	Labelled(ctx context.Context, label string) ([]string, error)
}

// Batch is session.Batch: it reads and ends many records in one trip.
type Batch interface {
	// As session.Batch has them.
	GetMany(ctx context.Context, ids []string) ([][]byte, error)
	EndMany(ctx context.Context, ids []string, life time.Duration) (successors []string, err error)
}

// NewRecord is session.NewRecord, which has what the fields mean.
type NewRecord = struct {
	ID       string        // of what is stored
	Data     []byte        // for Create
	TTL      time.Duration // for Create
	Labels   []string      // for AddLabel
	Deadline time.Time     // for AddLabel

	OldID     string        // of what ends, "" for nothing
	OldData   []byte        // for End
	OldLife   time.Duration // for End
	OldLabels []string      // for RemoveLabel
}

// Combiner is session.Combiner: it takes several steps at once.
type Combiner interface {
	// As session.Combiner has them.
	Combines() any
	CreateIndexed(ctx context.Context, n NewRecord) (oldEnded bool, err error)
	EndIndexed(ctx context.Context, id string, life time.Duration, labels []string) (successor string, err error)
}

// PrimaryReader is session.PrimaryReader: it reads past replicas and caches.
type PrimaryReader interface {
	// GetPrimary is Get, read from the primary.
	GetPrimary(ctx context.Context, id string) ([]byte, error)
}

// Settings are what a [Protocol] is made of.
type Settings struct {
	// Store keeps the records. If it is an Ender, an Index, a Batch, a Combiner or
	// PrimaryReader, that is used.
	Store Store
	// Terms are the lifetimes of sessions.
	Terms record.Terms
	// Timeout bounds what one step waits for the store: the load, and the commit with its
	// retries.
	Timeout time.Duration
	// WatchInterval is how often what is watched is looked at.
	WatchInterval time.Duration
	// Grace is for how long after a session was bound the id before still finds it. Zero asks
	// nothing of the store, and finds nothing.
	Grace time.Duration
	// Report gets what operators should see and no caller does. It is called on the
	// goroutine of the request, or of a clean-up behind it.
	Report func(ctx context.Context, what Incident, id string, err error)

	// NotFound is what the store returns for an id that has no record. Found returns the
	// record that an error of the store says was there instead of the expected one, or nil.
	NotFound error
	Found    func(error) []byte
	// Ended and Changed are returned for a session that ended, or now belongs to another
	// log-in, while a request was using it.
	Ended, Changed error
	// Again is what a function given to [Visit.OnStored] returns to have the record stored
	// once more.
	Again error
	// TooOld is returned for a log-in whose credentials were checked longer ago than it lasts.
	TooOld error
}

// Incident is something that operators should see.
type Incident uint8

// The incidents, and what their error is.
const (
	RecordIgnored   Incident = iota // a malformed record counts as none; why it is malformed
	PastDeadline                    // a record was past its absolute deadline; nil
	NotDeleted                      // an expired or abandoned record was not deleted; the store's
	NotRefreshed                    // an idle timeout was not moved; the store's
	LabelNotAdded                   // an index entry was not renewed; the store's
	LabelNotRemoved                 // an index entry was not removed; the store's
	NotListening                    // the store does not tell what ends; the store's
	LookPanicked                    // the store panicked while what is watched was looked at; what, and where
	NotRevoked                      // a revoked log-in was not deleted, but is refused; the store's
)

// Protocol carries out what visits plan. It is made by [New], immutable but for
// [Protocol.Guard], and safe for concurrent use.
type Protocol struct {
	Settings

	locks    idLocks
	cleanups chan struct{} // bounds the background deletions of abandoned ids
	guards   atomic.Pointer[[]string]
	watchers atomic.Pointer[watchers] // nil until something is watched

	// What the store can do beyond the contract: nil when it cannot.
	ender  Ender
	index  Index
	master PrimaryReader
	batch  Batch
	joint  Combiner
}

// maxCleanups is how many deletions of abandoned ids may wait for a slow store.
const maxCleanups = 16

// New returns a Protocol for s, of which every field but Grace must be set.
func New(s Settings) *Protocol {
	p := &Protocol{Settings: s, cleanups: make(chan struct{}, maxCleanups)}
	p.guards.Store(new([]string))
	p.ender, _ = s.Store.(Ender)
	p.index, _ = s.Store.(Index)
	p.master, _ = s.Store.(PrimaryReader)
	p.batch, _ = s.Store.(Batch)
	if c, ok := s.Store.(Combiner); ok && c.Combines() == any(s.Store) { // not of a store that it is part of
		p.joint = c
	}
	return p
}

// Guard makes the member called key count as a log-in in every session, also where nothing
// but Node wrote it: a guard keeps its log-ins there. passport does so in any case.
func (p *Protocol) Guard(key string) {
	for {
		before := p.guards.Load()
		if key == record.PassportKey || slices.Contains(*before, key) {
			return
		}
		after := append(slices.Clip(*before), key)
		if p.guards.CompareAndSwap(before, &after) {
			return
		}
	}
}

// GuardOf returns the slot key whose labels begin as label does, "" where no guard owns it.
func (p *Protocol) GuardOf(label string) string {
	key, _, ok := strings.Cut(label, ":")
	if ok && (key == record.PassportKey || slices.Contains(p.guardKeys(), key)) {
		return key
	}
	return ""
}

// guardKeys returns the slot keys of all guards but passport.
func (p *Protocol) guardKeys() []string { return *p.guards.Load() }

// Indexed reports whether sessions can be found by a label.
func (p *Protocol) Indexed() bool { return p.index != nil }

// primary returns the store's way to read past replicas and caches.
func (p *Protocol) primary() func(context.Context, string) ([]byte, error) {
	if p.master != nil {
		return p.master.GetPrimary
	}
	return p.Store.Get
}

// bounded gives a commit its own time limit: a client that hangs up does not lose its
// log-in.
func (p *Protocol) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(forStore{context.WithoutCancel(ctx)}, p.Timeout)
}

// idBytes is how many random bytes an id is made of, 32 characters: what express-session
// makes (express-session index.js, generateSessionId).
const idBytes = 24

// randomText returns n random bytes from the system's generator, at most idBytes, as
// unpadded base64url.
func randomText(n int) string {
	var b [idBytes]byte
	rand.Read(b[:n]) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b[:n])
}
