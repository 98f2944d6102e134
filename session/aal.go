package session

import "time"

// AAL1 returns the timeouts that NIST SP 800-63B-4 §2 sets for its first authentication
// assurance level, as [AAL2] and [AAL3] do for the others:
//
//	cfg.IdleTimeout, cfg.AbsoluteTimeout = session.AAL2()
//
//	       idle         absolute
//	AAL1   (none set)   30 days    §2.1.3
//	AAL2   1 hour       24 hours   §2.2.3
//	AAL3   15 minutes   12 hours   §2.3.3
//
// The levels ask for more than timeouts: AAL2 for two factors (guard.RequireFactor), AAL3
// for a key that cannot be copied or phished.
func AAL1() (idle, absolute time.Duration) { return 30 * 24 * time.Hour, 30 * 24 * time.Hour }

// AAL2 returns the timeouts of the second level, see [AAL1].
func AAL2() (idle, absolute time.Duration) { return time.Hour, 24 * time.Hour }

// AAL3 returns the timeouts of the third level, see [AAL1].
func AAL3() (idle, absolute time.Duration) { return 15 * time.Minute, 12 * time.Hour }
