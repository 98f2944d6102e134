// Package protocol implements docs/PROTOCOL.md: how a session is found, changed, given a new id
// and ended, so that a log-out is final and no update is lost. It works on a store and on
// records. It knows nothing of HTTP or cookies.
//
// A [Protocol] belongs to one configuration. A [Visit] is what one request does with one
// session: it loads the session, plans changes, and commits them. The commit returns an
// [Outcome], which tells the caller what to send to the browser.
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

// Store is the part of session.Store that the protocol needs. It is declared again here so that
// neither package imports the other. session.Store documents the contract.
type Store interface {
	// See session.Store.
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
	// See session.Index.
	AddLabel(ctx context.Context, label, id string, deadline time.Time) error
	RemoveLabel(ctx context.Context, label string, ids ...string) error
	Labelled(ctx context.Context, label string) ([]string, error)
}

// Batch is session.Batch: it reads and ends many records in one trip.
type Batch interface {
	// See session.Batch.
	GetMany(ctx context.Context, ids []string) ([][]byte, error)
	EndMany(ctx context.Context, ids []string, life time.Duration) (successors []string, err error)
}

// NewRecord is session.NewRecord, which documents the fields.
type NewRecord = struct {
	ID       string        // of the new record
	Data     []byte        // for Create
	TTL      time.Duration // for Create
	Labels   []string      // for AddLabel
	Deadline time.Time     // for AddLabel

	OldID     string        // of the record to end; "" for none
	OldData   []byte        // for End
	OldLife   time.Duration // for End
	OldLabels []string      // for RemoveLabel
}

// Combiner is session.Combiner: it performs several steps in one.
type Combiner interface {
	// See session.Combiner.
	Combines() any
	CreateIndexed(ctx context.Context, n NewRecord) (oldEnded bool, err error)
	EndIndexed(ctx context.Context, id string, life time.Duration, labels []string) (successor string, err error)
	EndManyIndexed(ctx context.Context, ids []string, life time.Duration, labels [][]string) (successors []string, err error)
}

// PrimaryReader is session.PrimaryReader: it reads past replicas and caches.
type PrimaryReader interface {
	// GetPrimary is Get, read from the primary.
	GetPrimary(ctx context.Context, id string) ([]byte, error)
}

// Settings configure a [Protocol].
type Settings struct {
	// Store keeps the records. The optional interfaces Ender, Index, Batch, Combiner and
	// PrimaryReader are used if it implements them.
	Store Store
	// Terms are the lifetimes of sessions.
	Terms record.Terms
	// Timeout is the time limit of each wait for the store: of the load, and of the commit
	// including its retries.
	Timeout time.Duration
	// WatchInterval is how often watched sessions are checked.
	WatchInterval time.Duration
	// Grace is how long after a session was bound to a device its previous id still finds it.
	// If zero, it never does, and the store is not asked.
	Grace time.Duration
	// Report receives what operators should see and no caller gets as an error. It is called on
	// the goroutine of the request, or of a background clean-up.
	Report func(ctx context.Context, what Incident, id string, err error)

	// NotFound is what the store returns for an id that has no record. Found returns the
	// record that a conflict error of the store contains, or nil for any other error.
	NotFound error
	Found    func(error) []byte
	// Ended and Changed are returned if a session ended, or now belongs to another log-in,
	// while a request was using it.
	Ended, Changed error
	// Again is returned by a function given to [Visit.OnStored] to have the record stored
	// once more.
	Again error
	// TooOld is returned for a log-in whose credentials were checked longer ago than a log-in lasts.
	TooOld error
}

// Incident is something that operators should see.
type Incident uint8

// The incidents, and the error that each is reported with.
const (
	RecordIgnored   Incident = iota // a malformed record was ignored; why it is malformed
	PastDeadline                    // a record was past its absolute deadline; nil
	NotDeleted                      // an expired or abandoned record was not deleted; the store's error
	NotRefreshed                    // an idle timeout was not restarted; the store's error
	LabelNotAdded                   // an index entry was not renewed; the store's error
	LabelNotRemoved                 // an index entry was not removed; the store's error
	NotListening                    // the store's notices cannot be received; the store's error
	LookPanicked                    // the store panicked while watched sessions were read; the panic and its stack
	NotRevoked                      // a revoked log-in was not deleted, but is refused; the store's error
)

// Protocol carries out what visits plan. It is made by [New], does not change except by
// [Protocol.Guard], and is safe for concurrent use.
type Protocol struct {
	Settings

	locks    idLocks
	cleanups chan struct{} // bounds the background deletions of abandoned ids
	guards   atomic.Pointer[[]string]
	watchers atomic.Pointer[watchers] // nil until something is watched

	// The store's optional interfaces: nil if it does not implement them.
	ender  Ender
	index  Index
	master PrimaryReader
	batch  Batch
	joint  Combiner
}

// maxCleanups is how many background deletions of abandoned ids may run at a time.
const maxCleanups = 16

// New returns a Protocol for s, of which every field but Grace must be set.
func New(s Settings) *Protocol {
	p := &Protocol{Settings: s, cleanups: make(chan struct{}, maxCleanups)}
	p.guards.Store(new([]string))
	p.ender, _ = s.Store.(Ender)
	p.index, _ = s.Store.(Index)
	p.master, _ = s.Store.(PrimaryReader)
	p.batch, _ = s.Store.(Batch)
	if c, ok := s.Store.(Combiner); ok && c.Combines() == any(s.Store) { // not if it only wraps a Combiner
		p.joint = c
	}
	return p
}

// Guard declares that a guard keeps its log-ins under key: that member then counts as a log-in
// in every session, even if only Node wrote it. The key "passport" always does.
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

// GuardOf returns the guard's key to which label belongs, "" if it belongs to no guard.
func (p *Protocol) GuardOf(label string) string {
	key, _, ok := strings.Cut(label, ":")
	if ok && (key == record.PassportKey || slices.Contains(p.guardKeys(), key)) {
		return key
	}
	return ""
}

// guardKeys returns the keys of all guards except "passport".
func (p *Protocol) guardKeys() []string { return *p.guards.Load() }

// Indexed reports whether sessions can be found by a label.
func (p *Protocol) Indexed() bool { return p.index != nil }

// primary returns the function that reads from the primary, past replicas and caches.
func (p *Protocol) primary() func(context.Context, string) ([]byte, error) {
	if p.master != nil {
		return p.master.GetPrimary
	}
	return p.Store.Get
}

// bounded gives a commit its own time limit, so that a client that closes its connection does
// not lose its log-in.
func (p *Protocol) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(forStore{context.WithoutCancel(ctx)}, p.Timeout)
}

// idBytes is the number of random bytes in an id, 32 characters, the same as express-session's
// (express-session index.js, generateSessionId).
const idBytes = 24

// randomText returns n random bytes from the system's generator, at most idBytes, as
// unpadded base64url.
func randomText(n int) string {
	var b [idBytes]byte
	rand.Read(b[:n]) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b[:n])
}
