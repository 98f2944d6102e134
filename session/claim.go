package session

import (
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// claims are the session keys and cookies that the guards of a Manager use.
type claims struct {
	mu     sync.Mutex
	owners map[string]any // by reqstate.Claim.Name
	names  []string       // of cookies
}

// Claim is called by guard.New. A guard claims everything in all, or nothing: the result has the claims
// that a guard with another owner has already; if it is empty, all are made. From then on, a member under a
// claimed session key is a log-in in every session. cookies are the names of the guard's other cookies,
// which guards may share.
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

// cookies returns the names of the guards' cookies. Elements of the list never change; it only grows.
func (c *claims) cookies() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clip(c.names)
}
