package journey

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// This file has the Express application, as a process that follows a script: it writes what passport 0.4
// and 0.7 write (internal/interop/live runs the real ones). It knows only the first guard, and the cookie
// of the first process.

const (
	nodeCookie = "connect.sid"
	nodeTTL    = 24 * time.Hour // connect-redis, for a session without maxAge
)

// object is a JSON object whose members keep their order, as in JavaScript.
type object []member

type member struct {
	name  string
	value json.RawMessage
}

func parseObject(text []byte) (o object) {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil {
			return nil
		}
		o = append(o, member{fmt.Sprint(name), value})
	}
	return o
}

func (o object) text() []byte {
	b := []byte("{")
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		name, _ := json.Marshal(m.name)
		b = append(append(append(b, name...), ':'), m.value...)
	}
	return append(b, '}')
}

func (o object) get(name string) json.RawMessage {
	if i := slices.IndexFunc(o, func(m member) bool { return m.name == name }); i >= 0 {
		return o[i].value
	}
	return nil
}

func (o object) set(name string, value []byte) object {
	if i := slices.IndexFunc(o, func(m member) bool { return m.name == name }); i >= 0 {
		o[i].value = value
		return o
	}
	return append(o, member{name, value})
}

func (o object) without(name string) object {
	return slices.DeleteFunc(slices.Clone(o), func(m member) bool { return m.name == name })
}

// node is one request to Express. The session is saved, under a new id if passport regenerates it.
func (w *world) node(s Step, change func(session object) (object, bool)) *request {
	ctx, b := context.Background(), w.browser(s)
	r := called(nil)
	if r.Now = time.Now(); w.storeIsDown() {
		return r // Express shows an error page
	}
	id := idIn(b.cookies(s.Old)[nodeCookie].value)
	r.IDs = []string{id}
	data, err := w.raw.Get(ctx, id)
	session := object{{"cookie", json.RawMessage(`{"originalMaxAge":null,"expires":null,"secure":true,"httpOnly":true,"path":"/"}`)}}
	if err == nil {
		session = parseObject(data)
	}
	found := err == nil
	changed, regenerate := change(session)
	switch {
	case changed == nil: // nothing to save
		r.IDs = nil
	case found && !regenerate:
		err = w.raw.Update(ctx, id, data, changed.text(), nodeTTL)
	default:
		if found {
			err = w.raw.Delete(ctx, id, nil)
		}
		var random [24]byte
		rand.Read(random[:])
		r.ID = base64.RawURLEncoding.EncodeToString(random[:])
		if len(changed) > 1 {
			err = w.raw.Create(ctx, r.ID, changed.text(), nodeTTL)
			w.issue(r.ID)
			r.cookies = []*http.Cookie{{Name: nodeCookie, Value: signAsNode(older, r.ID)}} //nolint:gosec // as Express sends it
		}
	}
	if err != nil && found {
		w.broken("journey: Express cannot write", "%v", err)
	}
	return r
}

// signAsNode signs an id as express-session does with cookie-signature.
func signAsNode(secret, id string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(id))
	return url.QueryEscape("s:" + id + "." + strings.TrimRight(base64.StdEncoding.EncodeToString(mac.Sum(nil)), "="))
}

// nodeKeeps reports whether Express keeps the session's content at a log-in and log-out.
func (s Switches) nodeKeeps() bool { return s.Node == 1 || s.Node == 3 }

// nodeLogIn is req.logIn.
func (w *world) nodeLogIn(s Step) *request {
	noted := ""
	r := w.node(s, func(session object) (object, bool) {
		if !w.shared.nodeKeeps() {
			session = session[:1]
		}
		passport := parseObject(session.get("passport"))
		if passport.get("go") != nil {
			noted = "noted"
		}
		return session.set("passport", passport.set("user", w.nodeID(s)).text()), w.shared.Node > 1
	})
	r.text = noted
	return r
}

// nodeID returns the user's id as Express serializes it.
func (w *world) nodeID(s Step) []byte {
	u := w.shared.tables[0].row(s.who())
	switch w.shared.Ids {
	case 2:
		return fmt.Appendf(nil, `{"tenant":"t","id":%d}`, u.ID)
	case 1:
		return fmt.Appendf(nil, `{"role":%q,"id":%d}`, u.Role, u.ID)
	}
	return fmt.Append(nil, u.ID)
}

// nodeLogOut is req.logOut.
func (w *world) nodeLogOut(s Step) *request {
	return w.node(s, func(session object) (object, bool) {
		passport := session.get("passport")
		if passport == nil && w.shared.Node == 1 {
			return nil, false
		}
		if !w.shared.nodeKeeps() {
			return session[:1], true
		}
		if passport != nil {
			session = session.set("passport", parseObject(passport).without("user").text())
		}
		return session, w.shared.Node > 1
	})
}

// nodeSet stores a value.
func (w *world) nodeSet(s Step) *request {
	return w.node(s, func(session object) (object, bool) {
		return session.set(key(s), fmt.Appendf(nil, "%q", fmt.Sprint(s.U))), false
	})
}

// slow is a request to Express that has read its session but not yet written it.
type slow struct {
	id      string
	session object
}

// nodeBegin starts a slow request.
func (w *world) nodeBegin(s Step) *request {
	r := called(nil)
	id := idIn(w.browser(s).cookies(s.Old)[nodeCookie].value)
	if data, err := w.raw.Get(context.Background(), id); err == nil {
		w.slow, r.IDs = &slow{id, parseObject(data)}, []string{id}
	}
	return r
}

// nodeEnd finishes it by storing a value: express-session saves the whole session, even if it has changed
// or ended since.
func (w *world) nodeEnd(s Step) *request {
	r := called(nil)
	if w.slow == nil || w.storeIsDown() {
		return r
	}
	q := w.slow
	w.slow, r.Now, r.IDs = nil, time.Now(), []string{q.id}
	text := q.session.set(key(s), fmt.Appendf(nil, "%q", fmt.Sprint(s.U))).text()
	ctx := context.Background()
	if err := w.raw.Delete(ctx, q.id, nil); err != nil {
		w.broken("journey: Express cannot write", "%v", err)
	}
	if err := w.raw.Create(ctx, q.id, text, nodeTTL); err != nil {
		w.broken("journey: Express cannot write", "%v", err)
	}
	return r
}
