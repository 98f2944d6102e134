package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// failing makes a call of st fail.
func failing(st *scripted, op string) {
	st.before = func(_ context.Context, c call) sessiontest.Fate {
		if c.Op == op {
			return sessiontest.Fail
		}
		return sessiontest.Pass
	}
}

// TestAFailedCommitIsOneLineInTheLog, with the information by which an operator finds the request.
func TestAFailedCommitIsOneLineInTheLog(t *testing.T) {
	for _, row := range []struct {
		name string
		op   string // what the request does
		fail string // the store's call that fails; "" for none
		want string
	}{
		{"a change", "set a 1", "Update", "level=ERROR"},
		{"a new session", "set a 1", "Create", "level=ERROR"},
		{"a renewal", "renew", "Create", "level=ERROR"},
		{"a regeneration that keeps a value", "regenerate keep", "Create", "level=ERROR"},
		{"an end", "destroy", "End", "level=ERROR"},
		{"a log-out", "logout", "End", "level=ERROR"},
		{"a label", "link x", "AddLabel", "level=ERROR"},
		{"a log-in", "login 2", "Create", "level=ERROR"},
		{"a session that cannot be loaded", "set a 1", "Get", "level=ERROR"},
		{"a session that ended meanwhile", "set a 1", "", "level=WARN"},
	} {
		t.Run(row.name, func(t *testing.T) {
			st, log := newScripted(), new(logText)
			m := newManager(t, st, func(c *session.Config) {
				c.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelInfo}))
			})
			mux := http.NewServeMux()
			mux.Handle("GET /{$}", app(m))
			b := browser.New(t, m.Handler(mux))
			if row.name != "a new session" {
				b.Get(path("login 1", "set keep k")).Want(t, 200, "")
			}
			want := row.want
			if id := st.ids(); len(id) > 0 && row.fail != "Get" {
				s, err := m.Open(t.Context(), id[0])
				if err != nil {
					t.Fatal(err)
				}
				want += " session=" + s.Ref()
			}
			if failing(st, row.fail); row.fail == "" {
				st.before = func(_ context.Context, c call) sessiontest.Fate {
					if c.Op == "Update" {
						clear(st.records) // logged out elsewhere
					}
					return sessiontest.Pass
				}
			}
			b.Get(path(row.op))
			lines := strings.Split(strings.TrimSpace(log.String()), "\n")
			if len(lines) != 1 {
				t.Fatalf("got %d lines, want 1: %s", len(lines), log.String())
			}
			cause := errFault.Error()
			if row.fail == "" {
				cause = "ended"
			}
			for _, part := range append(strings.Fields(want), "method=GET", `route="GET /{$}"`, cause) {
				if !strings.Contains(lines[0], part) {
					t.Errorf("got %s, want %s in it", lines[0], part)
				}
			}
		})
	}
}

// TestAnErrorHandlerThatWritesNothingIsNoSuccess: net/http sends 200 if nothing is written.
func TestAnErrorHandlerThatWritesNothingIsNoSuccess(t *testing.T) {
	for _, row := range []struct {
		name    string
		handler func(http.ResponseWriter, *http.Request, error)
		status  int
		text    string
	}{
		{"nothing", func(http.ResponseWriter, *http.Request, error) {}, 503, "could not be saved"},
		{"a header alone", func(w http.ResponseWriter, _ *http.Request, _ error) { w.Header().Set("X-Error", "1") }, 503, "could not be saved"},
		{"an early hint alone", func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusEarlyHints) }, 503, "could not be saved"},
		{"a status alone", func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(500) }, 500, ""},
		{"a body alone", func(w http.ResponseWriter, _ *http.Request, _ error) { fmt.Fprint(w, "sorry") }, 200, "sorry"},
		{"a copied body alone", func(w http.ResponseWriter, _ *http.Request, _ error) { _, _ = io.Copy(w, strings.NewReader("sorry")) }, 200, "sorry"},
		{"a flush alone", func(w http.ResponseWriter, _ *http.Request, _ error) { _ = http.NewResponseController(w).Flush() }, 200, ""},
		{"another write of the handler's", func(w http.ResponseWriter, _ *http.Request, err error) {
			if errors.Is(err, errFault) {
				http.Error(w, "down", http.StatusBadGateway)
			}
		}, 502, "down"},
	} {
		t.Run(row.name, func(t *testing.T) {
			st := newScripted()
			failing(st, "Create")
			srv, client := serve(t, newManager(t, st, plain, func(c *session.Config) { c.ErrorHandler = row.handler }),
				func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "handler's") })
			res, err := client.Get(srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != row.status || !strings.Contains(string(body), row.text) || strings.Contains(string(body), "handler's") {
				t.Errorf("got %d %q, want %d with %q", res.StatusCode, body, row.status, row.text)
			}
		})
	}
}

// TestAPushCommitsNothing if the client does not support pushes: the session can still be changed.
func TestAPushCommitsNothing(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	h := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := w.(http.Pusher).Push("/style.css", nil); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("Push: got %v, want http.ErrNotSupported", err)
		}
		if err := do(r.Context(), m, "set a 1"); err != nil {
			t.Errorf("a change after the push: %v", err)
		}
	}))
	h.ServeHTTP(newRecorder(), httptest.NewRequest("GET", "/", nil))
	if len(st.ids()) != 1 {
		t.Errorf("got %d records, want 1", len(st.ids()))
	}
}
