package protocol_test

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/devicebound"
	"github.com/seed-6f34412b/passport/internal/devicetest"
	"github.com/seed-6f34412b/passport/internal/protocol"
	"github.com/seed-6f34412b/passport/internal/record"
)

// patient are settings whose lifetimes and limits no test reaches.
var patient = protocol.Settings{
	Terms: record.Terms{
		Idle: 30 * 24 * time.Hour, Absolute: 60 * 24 * time.Hour, RefreshAfter: 10 * 24 * time.Hour,
		Cookie: json.RawMessage(`{"originalMaxAge":null,"expires":null,"secure":true,"httpOnly":true,"path":"/","sameSite":"lax"}`),
	},
	Timeout: time.Minute, WatchInterval: 30 * time.Second,
	NotFound: errNotFound, Ended: errEnded, Changed: errChanged, Again: errAgain, TooOld: errTooOld, Found: found,
}

// newProtocol returns a protocol for one process on st.
func newProtocol(st protocol.Store, edit ...func(*protocol.Settings)) *protocol.Protocol {
	s := patient
	s.Store = st
	s.Report = func(context.Context, protocol.Incident, string, error) {}
	for _, e := range edit {
		e(&s)
	}
	p := protocol.New(s)
	p.Guard("admin")
	p.Guard("staff")
	return p
}

// client is a browser with one cookie, which is the id itself, that talks to one process.
type client struct {
	p      *protocol.Protocol
	cookie string
	also   []string // other ids that it sends
	seen   string   // the session's members as the last request saw them
	out    protocol.Outcome
}

// op is something that a request does to its session.
type op func(ctx context.Context, v *protocol.Visit) error

// do makes one request and returns its status: 200, 401 if nobody is logged in, 409 for a session that
// ended or changed, 503 for an outage.
func (c *client) do(ctx context.Context, ops ...op) int {
	v := new(protocol.Visit)
	v.Init(c.p)
	for _, id := range append([]string{c.cookie}, c.also...) {
		if id != "" {
			v.Present(id, 0)
		}
	}
	c.out = protocol.Outcome{}
	err := v.Load(ctx)
	for _, o := range ops {
		if err == nil {
			err = o(ctx, v)
		}
	}
	if err == nil {
		c.seen = string(v.Members().AppendTo(nil))
		c.out, err = v.Commit(ctx, v.At)
	}
	switch c.out.Cookie {
	case protocol.Send, protocol.ExpireOthers:
		c.cookie = v.ID
	case protocol.Expire:
		c.cookie = ""
	}
	return status(err)
}

var errNobody = errors.New("nobody is logged in")

func status(err error) int {
	switch {
	case err == nil:
		return 200
	case errors.Is(err, errEnded) || errors.Is(err, errChanged):
		return 409
	case errors.Is(err, errNobody):
		return 401
	}
	return 503
}

func set(name, value string) op {
	return func(_ context.Context, v *protocol.Visit) error {
		return v.Change(func(d *record.Draft, _ time.Time) error {
			d.Members.Set(name, json.RawMessage(strconv.Quote(value)))
			return nil
		})
	}
}

func inc(_ context.Context, v *protocol.Visit) error {
	return v.Change(func(d *record.Draft, _ time.Time) error {
		n, _ := strconv.Atoi(string(d.Members.Get("n")))
		d.Members.Set("n", json.RawMessage(strconv.Itoa(n+1)))
		return nil
	})
}

// logIn logs user in with credentials, at the guard of key.
func logIn(user, key string) op {
	return func(_ context.Context, v *protocol.Visit) error {
		return v.LogIn(record.LogIn{Key: key, Slot: record.Slot{User: json.RawMessage(user)}, Labels: []string{key + ":" + user}, Keep: []string{"keep"}})
	}
}

// again logs the session's own user in again, as LogInUser does.
func again(user, key string) op {
	return func(_ context.Context, v *protocol.Visit) error {
		return v.LogIn(record.LogIn{Key: key, Slot: record.Slot{User: json.RawMessage(user)}, Labels: []string{key + ":" + user}, Renews: true})
	}
}

func logOut(key string) op {
	return func(_ context.Context, v *protocol.Visit) error {
		return v.LogOut(key)
	}
}

func renew(_ context.Context, v *protocol.Visit) error {
	return v.Rotate(func(*record.Draft, time.Time) error { return nil })
}

// aKey is the key to which the sessions of these tests are bound. Its time is that of the test clock.
func aKey() devicebound.Binding {
	key, _, _ := devicebound.Registration(theBrowser.Registration("c"))
	return devicebound.New(key, time.Now())
}

var theBrowser = devicetest.Make()

// bind registers the key.
func bind(_ context.Context, v *protocol.Visit) error { return v.Bind(aKey()) }

func destroy(_ context.Context, v *protocol.Visit) error {
	return v.End()
}

func revoke(ctx context.Context, v *protocol.Visit) error {
	_ = v.Revoke(ctx, "passport") // it is best effort
	return nil
}

func reload(ctx context.Context, v *protocol.Visit) error { return v.Reload(ctx) }

func save(ctx context.Context, v *protocol.Visit) error {
	_, err := v.Commit(ctx, time.Now())
	return err
}

// loggedIn fails with errNobody unless somebody is logged in under key.
func loggedIn(key string) op {
	return func(_ context.Context, v *protocol.Visit) error {
		if _, ok := v.Slot(key, v.At); !ok {
			return errNobody
		}
		return nil
	}
}

// want fails the test unless a request with ops is answered with status.
func (c *client) want(t *testing.T, status int, ops ...op) {
	t.Helper()
	if got := c.do(t.Context(), ops...); got != status {
		t.Errorf("got %d, want %d", got, status)
	}
}
