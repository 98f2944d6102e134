package record

import (
	"bytes"
	"slices"
	"time"
)

// Every write of ours has a new random revision, and keeps those of the writes just before it. A request
// whose write was executed but whose answer was lost finds its own revision in the record (S4). Revisions
// also ensure that the bytes of a record never repeat, which compare-and-swap relies on.
const (
	// RevisionBytes is the number of random bytes in a revision, which is written as base64url.
	RevisionBytes = 6

	revisionLen   = 8  // characters
	revisionsKept = 16 // including the newest
	// revisionsLive is the age of the newest revision up to which the history is kept, far longer than a
	// commit takes. Older ones are dropped at the next write.
	revisionsLive = time.Minute
)

// history returns the earlier revisions that a write at now keeps.
func (n *notes) history(now time.Time) []byte {
	if now.Sub(time.UnixMilli(n.seen)) > revisionsLive {
		return nil
	}
	revs := n.revisions()
	return revs[:min(len(revs)/revisionLen, revisionsKept-1)*revisionLen]
}

// revisions returns the revisions of the last writes, newest first, revisionLen bytes each. The write that
// creates a record has the one that follows from its id, which is as random, and is not written.
func (n *notes) revisions() []byte {
	if len(n.revs) == tieLen {
		return append(slices.Clip(n.revs), ".."...) // no other revision has a dot
	}
	return n.revs
}

// HasRevision reports whether the record includes the write with that revision.
func (r *Record) HasRevision(revision string) bool { return r.notes.find([]byte(revision)) >= 0 }

func (n *notes) find(revision []byte) int {
	revs := n.revisions()
	for i := 0; i+revisionLen <= len(revs); i += revisionLen {
		if bytes.Equal(revs[i:i+revisionLen], revision) {
			return i / revisionLen
		}
	}
	return -1
}

// ShowsAllSince reports whether r's revisions include the last one of base, so that a revision that is
// missing was never written after base.
func (r *Record) ShowsAllSince(base *Record) bool {
	if last := base.notes.revisions(); len(last) >= revisionLen {
		return r.notes.find(last[:revisionLen]) >= 0
	}
	return len(r.notes.revs) < revisionsKept*revisionLen
}
