package session_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// TestASessionWithoutHTTP is found by the cookies that a browser would send, under every accepted name.
func TestASessionWithoutHTTP(t *testing.T) {
	st := newScripted()
	m := newManager(t, st, func(c *session.Config) {
		c.AlsoAccept = []session.Accept{{Name: "old", Codec: session.Express(secret)}}
	})
	b := open(t, m)
	b.Get(path("login 1", "set text v")).Want(t, 200, "")
	value, id := b.Cookie(cookieName), st.ids()[0]
	old := expressValue(t, secret, id)
	ended := newManager(t, newScripted())
	stranger := open(t, ended)
	stranger.Get(path("set text v")).Want(t, 200, "")
	dead := stranger.Cookie(cookieName)
	for _, row := range []struct {
		name  string
		lines []string // the lines of the Cookie header
		value string
		found bool
	}{
		{"the cookie", []string{cookieName + "=" + value}, value, true},
		{"among others", []string{"a=b; " + cookieName + "=" + value + "; c=d"}, value, true},
		{"on a line of its own", []string{"a=b", cookieName + "=" + value}, value, true},
		{"behind a dead one", []string{cookieName + "=" + dead + "; " + cookieName + "=" + value}, value, true},
		{"of another configuration", []string{"old=" + old}, old, true},
		{"dead", []string{cookieName + "=" + dead}, dead, false},
		{"forged", []string{cookieName + "=x" + value}, "x" + value, false},
		{"unsigned", []string{cookieName + "=" + id}, id, false},
		{"under another name", []string{"sid=" + value}, "", false},
		{"nothing", nil, "", false},
	} {
		byLines, err := m.OpenCookies(t.Context(), row.lines...)
		byValue, err2 := m.OpenValue(t.Context(), row.value)
		for _, got := range []struct {
			s   *session.Session
			err error
		}{{byLines, err}, {byValue, err2}} {
			if !row.found {
				if !errors.Is(got.err, session.ErrNotFound) {
					t.Errorf("%s: got %v, want ErrNotFound", row.name, got.err)
				}
				continue
			}
			if got.err != nil {
				t.Errorf("%s: %v", row.name, got.err)
				continue
			}
			if v, _, err := text.Get(got.s); v != "v" || err != nil || got.s.ID() != id {
				t.Errorf("%s: got %q, %v", row.name, v, err)
			}
		}
	}
	st.before = func(context.Context, call) sessiontest.Fate { return sessiontest.Fail }
	if _, err := m.OpenValue(t.Context(), value); !errors.Is(err, errFault) {
		t.Errorf("an outage: got %v", err)
	}
}

func TestCookieValue(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b := open(t, m)
	var before string
	visit(t, m, func(_ context.Context, s *session.Session) {
		if v, err := s.CookieValue(); v != "" || err == nil {
			t.Errorf("without a record: got %q, %v", v, err)
		}
		if err := errors.Join(text.Set(s, "v"), s.Save(t.Context())); err != nil {
			t.Fatal(err)
		}
		var err error
		if before, err = s.CookieValue(); err != nil {
			t.Fatal(err)
		}
	}).ServeHTTP(newRecorder(), b.Request("GET", "/", ""))
	s, err := m.OpenValue(t.Context(), before)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Renew(t.Context()), s.Save(t.Context())); err != nil {
		t.Fatal(err)
	}
	if _, err := m.OpenValue(t.Context(), before); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("the value from before the renewal: got %v, want ErrNotFound", err)
	}
	after, err := s.CookieValue()
	if _, err2 := m.OpenValue(t.Context(), after); err != nil || err2 != nil {
		t.Errorf("the value after the renewal: %v, %v", err, err2)
	}
}

// walked is a scripted store that implements session.Iterator.
type walked struct {
	*scripted
	err error
}

func (w walked) All(context.Context) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		for _, id := range w.ids() {
			if !yield(session.Record{ID: id, Data: []byte(w.record(id))}, nil) {
				return
			}
		}
		if w.err != nil {
			yield(session.Record{}, w.err)
		}
	}
}

func TestAll(t *testing.T) {
	st := walked{scripted: newScripted()}
	m := newManager(t, st)
	var refs []string
	for i := range 3 {
		b := open(t, m)
		b.Get(path("login 1", fmt.Sprintf("set text v%d", i))).Want(t, 200, "")
	}
	st.put("broken", `{"no":"cookie"}`)
	st.put("long-ago", `{"cookie":{},"text":"old","_go":{"b":1,"v":""}}`)
	st.put("nodes", `{"cookie":{},"text":"by Node"}`)
	var texts []string
	for info, err := range m.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		v, _, err := text.Of(info)
		if err != nil {
			t.Error(err)
		}
		texts, refs = append(texts, v), append(refs, info.Ref)
	}
	slices.Sort(texts)
	if want := []string{"by Node", "v0", "v1", "v2"}; !slices.Equal(texts, want) || len(refs) != 4 {
		t.Errorf("got %q, want %q", texts, want)
	}
	for _, err := range m.All(t.Context()) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	st.err = errFault
	var last error
	for _, err := range newManager(t, st).All(t.Context()) {
		last = err
	}
	if !errors.Is(last, errFault) {
		t.Errorf("an outage: got %v", last)
	}
	for _, err := range newManager(t, newScripted()).All(t.Context()) {
		if err == nil {
			t.Error("a store that cannot be walked yields")
		}
	}
}
