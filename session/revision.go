package session

import (
	"bytes"
	"time"
)

// Every write of ours carries a fresh random revision and those of the writes just
// before it, so that a request whose write was executed but whose answer was lost
// finds its own revision in the record and knows (S4). It also makes the bytes of a
// record never repeat, which compare-and-swap relies on.
const (
	revLen   = 8  // characters: 48 random bits
	revsKept = 16 // the newest included
	// revsLive is how old the newest revision may be for the history to matter: far
	// longer than a commit takes. Older ones are dropped at the next write.
	revsLive = time.Minute
)

func newRev() string { return randomText(revLen * 3 / 4) }

// history returns the revisions that a write at now puts behind its own.
func (o *own) history(now time.Time) []byte {
	if now.Sub(time.UnixMilli(o.seen)) > revsLive {
		return nil
	}
	return o.revs[:min(len(o.revs)/revLen, revsKept-1)*revLen]
}

// has reports whether rev is among the revisions.
func (o *own) has(rev string) bool { return o.find([]byte(rev)) >= 0 }

func (o *own) find(rev []byte) int {
	for i := 0; i+revLen <= len(o.revs); i += revLen {
		if bytes.Equal(o.revs[i:i+revLen], rev) {
			return i / revLen
		}
	}
	return -1
}

// tellsAllSince reports whether o's revisions go back to the write that base ended
// with, so that a revision that is not among them was never written.
func (o *own) tellsAllSince(base *own) bool {
	if len(base.revs) >= revLen {
		return o.find(base.revs[:revLen]) >= 0
	}
	return len(o.revs) < revsKept*revLen
}
