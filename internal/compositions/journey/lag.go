package journey

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/compositions/model"
)

// lag stops the updates of the replica from which records are read, and reports whether it did.
func (c *cluster) lag() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lagging.fallBehind()
}

// readAll lets that replica catch up.
func (c *cluster) readAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lagging.catchUp()
}

// stale reports whether one of the records is different on that replica.
func (c *cluster) stale(ids []string) bool {
	if c.lagging == nil || !c.lagging.behind {
		return false
	}
	defer c.ask()()
	ctx := context.Background()
	for _, id := range ids {
		now, _ := c.master().sessions.Get(ctx, id)
		then, _ := c.lagging.set().sessions.Get(ctx, id)
		if !bytes.Equal(now, then) {
			return true
		}
	}
	return false
}

// shows reports whether one of the records contains the text on that replica.
func (c *cluster) shows(ids []string, text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(ids, func(id string) bool {
		data, _ := c.lagging.set().sessions.Get(context.Background(), id)
		return bytes.Contains(data, []byte(text))
	})
}

// lags are the steps of the replica from which records are read.
var lags = []action{
	{"the reads fall behind", 5, func(w *world, _ context.Context, _ Step) *request {
		if w.stores.lag() {
			w.model.Lag()
		}
		return nil
	}, nil},
	{"the reads catch up", 3, func(w *world, _ context.Context, _ Step) *request {
		w.stores.readAll()
		return nil
	}, nil},
}

// lagged updates the model for a request that read a stale record, and reports whether nothing else is to
// be modelled.
func (w *world) lagged(s Step, r *request) bool {
	if r == nil || !r.Stale {
		return false
	}
	switch page, look := looks[s.Do]; {
	case look:
		passed := 0
		if page != nil && r.Status == http.StatusOK {
			passed = r.user()
		} else {
			page = &model.Me
		}
		l := w.model.Looked(&r.Visit, *page, passed)
		if s.Do == "open a stream" {
			w.watch(l)
		}
		if s.Do == "read flash" {
			w.model.Took(&r.Visit, r.text)
		}
	case s.proves(), r.ID != "": // it was executed, even if the answer asks for another factor
		w.model.Blurred()
		return false
	default:
		if !w.model.Refusable(&r.Visit, s.Do) {
			return false
		}
		w.tellPasswords() // the application's own table
	}
	return true
}

// proves reports whether a step is a log-in or a log-out, or needs no session.
func (s Step) proves() bool {
	return strings.HasPrefix(s.Do, "log ") || s.Do == "register" || s.Do == "destroy" || s.Do == "call of a program" || s.Do == "step up wrong"
}

// sayable reports whether the documents define what a request that read a stale record means. They do not
// for a log-in where the replica shows a session that has ended, which is as if both happened at once (S6),
// for the effects of a page outside the session, nor for two session cookies. Setting a value that the
// replica already shows changes nothing (session.Key.Set); the model does not cover that.
func (w *world) sayable(s Step, r *request) bool {
	if _, look := looks[s.Do]; look {
		return r.Token == ""
	}
	if strings.HasPrefix(s.Do, "set") && w.stores.shows(r.IDs, fmt.Sprintf("%q:%q", key(s), fmt.Sprint(s.U))) {
		return false
	}
	_, err := w.raw.Get(context.Background(), r.IDs[0])
	acts := s.proves() || s.Do == "end a device of one's own" || s.Do == "change the password"
	return r.Token == "" && len(r.IDs) == 1 && (err == nil && w.shared.Node != 1 || !acts)
}

// looks are the steps that may be answered from a stale record, with the page that they show, or nil.
var looks = map[string]*model.Page{
	"get": nil, "read flash": nil, "a thief's page": &model.Me,
	"page": &model.Me, "open a page": &model.Me, "follow a link": &model.Me, "page of an upstream": &model.Me, "admin page": &model.Me, "open a stream": &model.Me,
	"proved page": &model.Proved,
}

// hears waits until the cache shows the current version of each record, and reports whether it does within
// a second.
func (c *cluster) hears(ids []string) bool {
	defer c.ask()()
	ctx, s := context.Background(), c.master().sessions
	until := time.Now().Add(time.Second)
	for _, id := range ids {
		for {
			now, _ := s.GetPrimary(ctx, id)
			if shown, _ := s.Get(ctx, id); bytes.Equal(now, shown) {
				break
			}
			if time.Now().After(until) {
				return false
			}
			time.Sleep(time.Millisecond)
		}
	}
	return true
}
