package session_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/session"
)

const note session.Key[string] = "note"

// TestAPanicCommitsNothingWhoeverAnswersIt: echo's recovery writes its 500 to the writer that the session's
// Handler passed on.
func TestAPanicCommitsNothingWhoeverAnswersIt(t *testing.T) {
	st := newScripted()
	var inner http.ResponseWriter
	handler := newManager(t, st).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner = w
		s, err := session.FromContext(r.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := note.Set(s, "lost"); err != nil {
			t.Fatal(err)
		}
		panic("made up")
	}))
	w := httptest.NewRecorder()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic, want the handler's")
			}
		}()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://app.example/", nil))
	}()
	http.Error(inner, "internal error", http.StatusInternalServerError)
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "internal error") || len(w.Result().Cookies()) > 0 {
		t.Errorf("got %d %q and the cookies %v, want the 500 of the recovery and no cookie", w.Code, w.Body, w.Result().Cookies())
	}
	if calls := st.calls; len(calls) > 0 {
		t.Errorf("the store was sent %v, want nothing", calls)
	}
}

// ginWriter is a framework's response writer that says whether the response has started.
type ginWriter struct{ *httptest.ResponseRecorder }

func (w ginWriter) Written() bool { return w.Body.Len() > 0 }

// TestAResponseThatStartedBeforeTheCommitIsALineInTheLog, and nothing is written after it.
func TestAResponseThatStartedBeforeTheCommitIsALineInTheLog(t *testing.T) {
	for _, row := range []struct {
		name    string
		change  bool
		fail    bool
		outside bool // the handler writes to the framework's writer, not to the one that it got
		lines   int
	}{
		{"a new cookie", true, false, true, 1},
		{"a failed commit", true, true, true, 1},
		{"nothing to send", false, false, true, 0},
		{"the right writer", true, false, false, 0},
		{"the right writer, and a failed commit", true, true, false, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			st, log := newScripted(), new(logText)
			if row.fail {
				failing(st, "Create")
			}
			m := newManager(t, st, func(c *session.Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) })
			w := ginWriter{httptest.NewRecorder()}
			m.Handler(http.HandlerFunc(func(given http.ResponseWriter, r *http.Request) {
				s, err := session.FromContext(r.Context())
				if err != nil {
					t.Fatal(err)
				}
				if row.change {
					if err := note.Set(s, "kept"); err != nil {
						t.Fatal(err)
					}
				}
				if row.outside {
					given = w
				}
				io.WriteString(given, "the page")
			})).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://app.example/", nil))
			if got := strings.Count(log.String(), "the response started before the commit"); got != row.lines {
				t.Errorf("got %d lines, want %d:\n%s", got, row.lines, log)
			}
			if row.outside && w.Body.String() != "the page" {
				t.Errorf("got the body %q, want the page alone", w.Body)
			}
			if !row.outside && row.fail && (w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "the page")) {
				t.Errorf("got %d %q, want 503 without the page", w.Code, w.Body)
			}
		})
	}
}

// TestAWriteAfterAFailedCommitSaysWhy: a handler that passes the error of its Write to guard.Guard.Error,
// as echo's do, reports the same outage.
func TestAWriteAfterAFailedCommitSaysWhy(t *testing.T) {
	st := newScripted()
	failing(st, "Create")
	newManager(t, st).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := note.Set(s, "lost"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, "the page"); err == nil || !strings.Contains(err.Error(), "made-up fault") {
			t.Errorf("the write got %v, want an error with the store's", err)
		}
	})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "https://app.example/", nil))
}
