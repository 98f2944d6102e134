package record

import (
	"bytes"
	"time"
)

// Every write of ours carries a fresh random revision and those of the writes just
// before it, so that a request whose write was executed but whose answer was lost
// finds its own revision in the record and knows (S4). It also makes the bytes of a
// record never repeat, which compare-and-swap relies on.
const (
	// RevisionBytes is how many random bytes a revision is made of, written as base64url.
	RevisionBytes = 6

	revisionLen   = 8  // characters
	revisionsKept = 16 // the newest included
	// revisionsLive is how old the newest revision may be for the history to matter: far
	// longer than a commit takes. Older ones are dropped at the next write.
	revisionsLive = time.Minute
)

// history returns the revisions that a write at now puts behind its own.
func (n *notes) history(now time.Time) []byte {
	if now.Sub(time.UnixMilli(n.seen)) > revisionsLive {
		return nil
	}
	return n.revs[:min(len(n.revs)/revisionLen, revisionsKept-1)*revisionLen]
}

// HasRevision reports whether a write with that revision is in the record.
func (r *Record) HasRevision(revision string) bool { return r.notes.find([]byte(revision)) >= 0 }

func (n *notes) find(revision []byte) int {
	for i := 0; i+revisionLen <= len(n.revs); i += revisionLen {
		if bytes.Equal(n.revs[i:i+revisionLen], revision) {
			return i / revisionLen
		}
	}
	return -1
}

// ShowsAllSince reports whether r's revisions go back to the write that base ended
// with, so that a revision that is not among them was never written.
func (r *Record) ShowsAllSince(base *Record) bool {
	if len(base.notes.revs) >= revisionLen {
		return r.notes.find(base.notes.revs[:revisionLen]) >= 0
	}
	return len(r.notes.revs) < revisionsKept*revisionLen
}
