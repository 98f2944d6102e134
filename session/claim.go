package session

import (
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// claims is what the guards of a Manager use.
type claims struct {
	mu     sync.Mutex
	owners map[string]any // by reqstate.Claim.Name
	names  []string       // of cookies
}

// Claim is called by guard.New: a guard claims what all names, or nothing of it. It returns those claims
// that another guard has which has another owner; for none, all are made. What lies under a session key
// that was claimed is a log-in from then on, in every session. cookies are the names of the guard's
// other cookies, which guards may share.
func (m *Manager) Claim(all []reqstate.Claim, cookies ...string) (taken []reqstate.Claim) {
	c := &m.claims
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, claim := range all {
		if owner, ok := c.owners[claim.Name]; ok && !(reflect.ValueOf(owner).Comparable() && owner == claim.Owner) {
			taken = append(taken, claim)
		}
	}
	if taken != nil {
		return taken
	}
	if c.owners == nil {
		c.owners = map[string]any{}
	}
	cookies = slices.Clone(cookies)
	for _, claim := range all {
		c.owners[claim.Name] = claim.Owner
		if key, ok := strings.CutPrefix(claim.Name, "slot:"); ok {
			m.proto.Guard(key)
		}
		if name, ok := strings.CutPrefix(claim.Name, "cookie:"); ok {
			cookies = append(cookies, name)
		}
	}
	for _, name := range cookies {
		if !slices.Contains(c.names, name) {
			c.names = append(c.names, name)
		}
	}
	return nil
}

// cookies returns the names of the guards' cookies. The list is never changed, only made longer.
func (c *claims) cookies() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clip(c.names)
}
