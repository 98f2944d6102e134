package session_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// TestUpdateCannotUseItsSession: a method called by its function would wait for the function to end. It
// panics instead, also when the function runs again during the commit.
func TestUpdateCannotUseItsSession(t *testing.T) {
	for name, use := range map[string]func(s *session.Session){
		"Get":     func(s *session.Session) { _, _, _ = text.Get(s) },
		"Set":     func(s *session.Session) { _ = text.Set(s, "v") },
		"Update":  func(s *session.Session) { _ = count.Update(s, func(n int) (int, error) { return n, nil }) },
		"Flash":   func(s *session.Session) { _ = s.Flash("info", "v") },
		"Ref":     func(s *session.Session) { _ = s.Ref() },
		"Save":    func(s *session.Session) { _ = s.Save(context.Background()) },
		"Renew":   func(s *session.Session) { _ = s.Renew(context.Background()) },
		"printed": func(s *session.Session) { _ = fmt.Sprint(s) },
	} {
		for _, again := range []bool{false, true} { // whether at its second run, during the commit
			a, b, _ := loadTwice(t)
			runs := 0
			said := func() (said any) {
				defer func() { said = recover() }()
				err := count.Update(a, func(n int) (int, error) {
					if runs++; !again || runs == 2 {
						use(a)
					}
					return n + 1, nil
				})
				if err = errors.Join(err, text.Set(b, "theirs"), b.Save(t.Context()), a.Save(t.Context())); err != nil {
					t.Error(err)
				}
				return nil
			}()
			if text := fmt.Sprint(said); name != "printed" && !strings.Contains(text, "Key.Update: its function uses the session") {
				t.Errorf("%s, again %t: got %q", name, again, text)
			}
			if _, _, err := text.Get(a); err != nil { // must not hang
				t.Errorf("%s, again %t: Get afterwards: %v", name, again, err)
			}
		}
	}
}

// TestOtherGoroutinesWaitForUpdate: they do not count as its function.
func TestOtherGoroutinesWaitForUpdate(t *testing.T) {
	s, _, _ := loadTwice(t)
	inside, leave := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		err := count.Update(s, func(n int) (int, error) {
			close(inside)
			<-leave
			return n + 1, nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-inside
	for range 8 {
		group.Go(func() {
			if n, _, err := count.Get(s); n != 2 || err != nil {
				t.Errorf("Get() = %d, %v; want 2", n, err)
			}
		})
	}
	close(leave)
	group.Wait()
}

// sessionLogger asks for the session that a line is about, as a Handler does that adds the session's Ref to
// every line of a request.
type sessionLogger struct {
	slog.Handler
	asked func(ctx context.Context, r slog.Record)
}

func (sessionLogger) Enabled(context.Context, slog.Level) bool { return true }

func (h sessionLogger) Handle(ctx context.Context, r slog.Record) error {
	h.asked(ctx, r)
	return nil
}

// TestALogLineDoesNotWaitForItsSession: a Handler that asks for the session while that is locked gets an
// error at once; otherwise it gets the session.
func TestALogLineDoesNotWaitForItsSession(t *testing.T) {
	st := newScripted()
	lines, errs := 0, 0
	var m *session.Manager
	m = newManager(t, st, func(c *session.Config) {
		c.Logger = slog.New(sessionLogger{slog.DiscardHandler, func(ctx context.Context, r slog.Record) {
			lines++
			for _, from := range []func(context.Context) (*session.Session, error){session.FromContext, m.Session} {
				if _, err := from(ctx); err != nil {
					if errs++; !strings.Contains(err.Error(), "Config.Logger") {
						t.Errorf("%q: got %v, want the error that says what to do", r.Message, err)
					}
				}
			}
		}})
	})
	b := open(t, m)
	b.Get(path("set a 1")).Want(t, 200, "")
	st.put(st.ids()[0], "malformed")
	b.Get("/").Want(t, 200, "") // the load logs a line
	if lines != 1 || errs != 2 {
		t.Errorf("%d lines and %d errors, want 1 line and 2 errors", lines, errs)
	}
	st.before = func(_ context.Context, c call) sessiontest.Fate {
		if c.Op == "Create" {
			return sessiontest.Fail
		}
		return sessiontest.Pass
	}
	c := open(t, m)
	if a := c.Get(path("set a 2")); a.StatusCode != 503 { // a commit that fails is logged when the session is unlocked
		t.Errorf("status %d, want 503", a.StatusCode)
	}
	if lines != 2 || errs != 2 {
		t.Errorf("%d lines and %d errors, want 2 lines, and no error for the second", lines, errs)
	}
}

// TestEveryLineOfALockedSessionIsWrittenAsOne: if a line is written with the logger itself, a Handler that
// asks for the session waits for ever.
func TestEveryLineOfALockedSessionIsWrittenAsOne(t *testing.T) {
	st := newScripted()
	var s *session.Session
	line, locked, asked := "", false, ""
	m := newManager(t, st, func(c *session.Config) {
		c.Logger = slog.New(sessionLogger{slog.DiscardHandler, func(ctx context.Context, r slog.Record) {
			if line, locked, asked = r.Message, session.InLogger(s), ""; !locked {
				return // it would wait for ever
			}
			defer func() { asked = fmt.Sprint(recover()) }()
			_, err := session.FromContext(ctx)
			if !errors.Is(err, session.ErrNoHandler) && !strings.Contains(err.Error(), "Config.Logger") {
				t.Errorf("%q: FromContext: got %v, want the error that says what to do", r.Message, err)
			}
			_ = s.Ref()
		}})
	})
	h := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		if s, err = session.FromContext(r.Context()); err != nil {
			t.Error(err)
			return
		}
		if r.URL.Path == "/late" {
			_, _ = w.Write([]byte("started"))
		}
		if err := count.Set(s, 1); (err != nil) != (r.URL.Path == "/late") {
			t.Errorf("%s: Set: %v", r.URL.Path, err)
		}
	}))
	for _, row := range []struct{ path, header, value, line string }{
		{"/", "Origin", "http://app.example", "plain http"},
		{"/", "Sec-Fetch-Site", "cross-site", "not saved"},
		{"/late", "", "", "after the response had started"},
	} {
		r := httptest.NewRequest(http.MethodPost, "http://app.example"+row.path, nil)
		r.Header.Set(row.header, row.value)
		line = ""
		h.ServeHTTP(httptest.NewRecorder(), r)
		if !strings.Contains(line, row.line) || !locked || !strings.Contains(asked, "Config.Logger") {
			t.Errorf("%s %s: the line %q, marked as holding the session: %t; the session's methods then return %q", row.path, row.value, line, locked, asked)
		}
	}
}
