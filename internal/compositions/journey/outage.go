package journey

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/compositions/outside"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/strategy"
)

// condition is the state of the stores, and what happened to the commands of the current step. All
// processes share it; the probe bypasses it.
type condition struct {
	mu     sync.Mutex
	down   string // "" works, "dead" fails every command, "hangs" answers none
	passes int    // how many commands are still executed before that
	loses  bool   // one more command is executed, but its answer is lost

	met, counted bool // in this step a command failed; and one that counts a guess did
	half         outside.Half
}

// begin resets what happened for a new step.
func (c *condition) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.met, c.counted, c.half = false, false, outside.Half{}
}

// set changes the state of the stores.
func (c *condition) set(down string, passes int, loses bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down, c.passes, c.loses = down, passes, loses
}

func (c *condition) isDown() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.down != ""
}

// hit reports whether a command of the current step has failed. Watchers send commands at any time.
func (c *condition) hit() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.met
}

// deaf reports whether no command is executed from now on.
func (c *condition) deaf() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.down != "" && c.passes == 0 && !c.loses
}

// fate decides what happens to a command.
func (c *condition) fate(ctx context.Context) sessiontest.Fate {
	c.mu.Lock()
	down, fate := c.down, sessiontest.Pass
	switch {
	case down == "":
	case c.passes > 0:
		c.passes--
		down = ""
	case c.loses:
		c.loses = false
		c.met, fate = true, sessiontest.LoseReply
	default:
		c.met, fate = true, sessiontest.Fail
	}
	c.mu.Unlock()
	if down == "hangs" {
		select {
		case <-ctx.Done():
		case <-time.After(time.Hour): // a request without a time limit is then found by how long it takes
		}
	}
	return fate
}

// executed is called after each command to the sessions' store.
func (c *condition) executed(call sessiontest.Call, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil && !answered(err) {
		c.met = true // an error of the server itself
	}
	switch {
	case err != nil && !unconfirmed(err):
	case call.Op == "Create":
		c.half.Made = append(c.half.Made, call.ID)
	case slices.Contains([]string{"Update", "Delete", "End"}, call.Op):
		c.half.Touched = append(c.half.Touched, call.ID)
	}
}

// ended records that records ended together.
func (c *condition) ended(ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.half.Touched = append(c.half.Touched, ids...)
}

// cells are cells in that condition. A race can hold their commands too.
type cells struct {
	strategy.Cells
	*condition
}

func (c cells) Load(ctx context.Context, key string) (data []byte, err error) {
	pass(ctx)
	err = c.run(ctx, func() error {
		data, err = c.Cells.Load(ctx, key)
		return err
	})
	return data, err
}

func (c cells) Swap(ctx context.Context, key string, old, new []byte, ttl time.Duration) (found []byte, swapped bool, err error) {
	pass(ctx)
	err = c.run(ctx, func() error {
		if found, swapped, err = c.Cells.Swap(ctx, key, old, new, ttl); swapped || unconfirmed(err) {
			c.mu.Lock()
			c.half.Cells = true
			c.mu.Unlock()
		}
		return err
	})
	return found, swapped, err
}

// counter is a counter in that condition.
type counter struct {
	strategy.Counter
	*condition
}

func (c counter) Add(ctx context.Context, key string, n int64, window time.Duration) (count int64, reset time.Duration, err error) {
	err = c.run(ctx, func() error {
		count, reset, err = c.Counter.Add(ctx, key, n, window)
		return err
	})
	if err != nil && n >= 0 { // a count that is to be taken back may stay
		c.mu.Lock()
		c.counted = true
		c.mu.Unlock()
	}
	return count, reset, err
}

// run runs a command to a store other than the sessions'.
func (c *condition) run(ctx context.Context, command func() error) error {
	fate := c.fate(ctx)
	if fate == sessiontest.Fail {
		return sessiontest.ErrFault
	}
	err := command()
	switch {
	case fate == sessiontest.LoseReply:
		return sessiontest.ErrFault
	case err != nil:
		c.mu.Lock()
		c.met = true
		c.mu.Unlock()
	}
	return err
}

// outages are the steps of whoever runs the store.
var outages = []action{
	{"the store dies", 3, func(w *world, _ context.Context, s Step) *request {
		if s.N%7 == 0 && w.shared.Store > 0 && w.shared.Store != onSQL { // as an error of the server itself
			w.stores.refuse("ERR down")
		} else {
			w.condition.set("dead", s.N%7, s.N > 6)
		}
		return nil
	}, nil},
	{"the store hangs", 2, func(w *world, _ context.Context, s Step) *request {
		w.condition.set("hangs", s.N, false)
		return nil
	}, nil},
	{"the store is back", 8, func(w *world, _ context.Context, _ Step) *request {
		w.back()
		return nil
	}, nil},
	{"the store is back empty", 1, func(w *world, _ context.Context, _ Step) *request {
		w.back()
		if err := w.stores.empty(); err != nil {
			w.broken("journey: a store does not forget", "%v", err)
		}
		w.model.Empty()
		return nil
	}, nil},
}

func (w *world) back() {
	w.condition.set("", 0, false)
	w.stores.refuse("")
}

// storeIsDown reports whether no commands are executed now.
func (w *world) storeIsDown() bool { return w.condition.isDown() || w.stores.says != "" }

// endsNothing are the steps that never end or move a session, unless a remembered browser is logged in.
var endsNothing = []string{
	"log in wrong", "step up wrong", "log in by a wrong passkey", "page", "open a page", "proved page", "fresh page", "admin page", "set", "set from another site", "get",
	"flash", "read flash", "follow a link", "page of an upstream",
}

// met updates the model for a request that an outage hit, and reports whether nothing else is to be
// modelled.
func (w *world) met(s Step, r *request) bool {
	if w.shared.Outage == 0 || r == nil {
		return false
	}
	synctest.Wait() // for what continues in the background after the request
	c := w.condition
	c.mu.Lock()
	met, counted, half := c.met, c.counted, c.half
	c.mu.Unlock()
	if counted && r.Status != http.StatusServiceUnavailable {
		w.broken("outage: credentials are looked at without being counted", "%s: got %d", s.Do, r.Status)
	}
	if !met {
		w.model.Outage(nil)
		return false
	}
	if half.Visit = r.Visit; r.path == "" { // not a request but a call
		half.Now = time.Now()
		half.Guard, _ = w.guard(s)
	}
	if s.Do == "end a device" {
		half.ID = "" // it is the device's id
	}
	half.Ends = !slices.Contains(endsNothing, s.Do) || r.Token != ""
	half.Stamps = strings.HasPrefix(s.Do, "log in") || s.Do == "change the password"
	switch s.Do {
	case "log in", "log in wrong":
		half.User, half.Guess = s.who(), "local"
	case "step up", "step up wrong":
		half.User, half.Guess = s.who(), "totp"
	case "log in by provider":
		half.User, half.Labels = s.who(), []string{s.label()}
	case "log in by passkey", "step up by passkey", "log out everywhere", "end a device":
		half.User = s.who()
	case "register":
		half.User = len(w.table(s).rows)
	case "flash", "read flash":
		half.Flash = true
	case "set", "set from another site":
		half.Name, half.Value = key(s), fmt.Sprint(s.U)
	case "regenerate":
		half.Name, half.Value = key(s), "new"
	}
	if r.Status != http.StatusServiceUnavailable {
		r.Met = true
		w.model.Outage(&half)
		return false
	}
	w.model.Outage(nil)
	w.tellPasswords()
	w.model.Refused(&half)
	return true
}

// tellPasswords tells the model how often users have changed their passwords, because that is not in the
// store.
func (w *world) tellPasswords() {
	for g, t := range w.shared.tables {
		for id := range t.rows {
			w.model.Changed(g, id, t.row(id).Password)
		}
	}
}
