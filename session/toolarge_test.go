package session_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/session"
)

// TestAValueOfAnotherTypeIsNoOutage: a release that changes a value's type finds sessions with the former
// type.
func TestAValueOfAnotherTypeIsNoOutage(t *testing.T) {
	const theme session.Key[struct{ Dark bool }] = "theme"
	s, _, seen := loadTwice(t)
	_, _, err := theme.Get(s)
	if !errors.Is(err, session.ErrValueType) {
		t.Errorf("Get: got %v, want ErrValueType", err)
	}
	err = theme.Update(s, func(v struct{ Dark bool }) (struct{ Dark bool }, error) { return v, nil })
	if !errors.Is(err, session.ErrValueType) {
		t.Errorf("Update: got %v, want ErrValueType", err)
	}
	if err := errors.Join(theme.Set(s, struct{ Dark bool }{true}), s.Save(t.Context())); err != nil {
		t.Error(err)
	}
	if got, want := seen(), `"theme":{"Dark":true},"n":1`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestAValueThatNobodyCanReadIsRefused: json.RawMessage keeps what a client has sent, also if that is not
// UTF-8. In the record it would end the session.
func TestAValueThatNobodyCanReadIsRefused(t *testing.T) {
	type profile struct{ Name json.RawMessage }
	const key session.Key[profile] = "profile"
	var p profile
	if err := json.Unmarshal([]byte("{\"Name\":\"\xff\"}"), &p); err != nil {
		t.Fatal(err)
	}
	s, _, seen := loadTwice(t)
	if err := key.Set(s, p); err == nil {
		t.Error("Set: got no error")
	}
	if err := key.Update(s, func(profile) (profile, error) { return p, nil }); err == nil {
		t.Error("Update: got no error")
	}
	if err := errors.Join(count.Set(s, 2), s.Save(t.Context())); err != nil {
		t.Error(err)
	}
	if got, want := seen(), `"theme":"light","n":2`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestWhatIsTooLargeIsRefusedAtOnce: when it is set, with a sentinel error; the rest of the request is not
// affected.
func TestWhatIsTooLargeIsRefusedAtOnce(t *testing.T) {
	large := strings.Repeat("x", session.MaxRecordBytes)
	third := large[:session.MaxRecordBytes/3]
	for _, row := range []struct {
		name string
		does func(s *session.Session) error
	}{
		{"a value", func(s *session.Session) error { return text.Set(s, large) }},
		{"a value that just fits by itself", func(s *session.Session) error { return text.Set(s, large[:session.MaxRecordBytes-100]) }},
		{"an update", func(s *session.Session) error {
			return text.Update(s, func(string) (string, error) { return large, nil })
		}},
		{"a flash message", func(s *session.Session) error { return s.Flash("info", large) }},
		{"one value too many", func(s *session.Session) error {
			return errors.Join(session.Key[string]("a").Set(s, third), session.Key[string]("b").Set(s, third), session.Key[string]("c").Set(s, third))
		}},
	} {
		s, _, seen := loadTwice(t)
		if err := errors.Join(count.Set(s, 2)); err != nil {
			t.Fatal(err)
		}
		if err := row.does(s); !errors.Is(err, session.ErrTooLarge) {
			t.Errorf("%s: got %v, want ErrTooLarge", row.name, err)
		}
		if err := s.Save(t.Context()); err != nil || !strings.HasPrefix(seen(), `"theme":"light","n":2`) {
			t.Errorf("%s: Save() = %v; got %.80s", row.name, err, seen())
		}
	}
}

// TestTooLargeAtTheCommitIsNoOutage: a change that fitted into the loaded record may not fit after what
// another request wrote. Trying again would not help.
func TestTooLargeAtTheCommitIsNoOutage(t *testing.T) {
	half := strings.Repeat("x", session.MaxRecordBytes/2)
	st, log := newScripted(), new(logText)
	m := newManager(t, st, func(c *session.Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) })
	b := open(t, m)
	b.Get(path("set text v")).Want(t, 200, "")
	w := newRecorder()
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := m.Session(r.Context())
		if err == nil {
			err = session.Key[string]("a").Set(s, half)
		}
		if err != nil {
			t.Error(err)
		}
		other, err := m.Open(r.Context(), s.ID())
		if err == nil {
			err = errors.Join(session.Key[string]("b").Set(other, half), other.Save(r.Context()))
		}
		if err != nil {
			t.Error(err)
		}
	})).ServeHTTP(w, b.Request("GET", "/", ""))
	if w.Code != http.StatusInternalServerError {
		t.Errorf("got %d %s, want 500", w.Code, w.Body)
	}
	if got := log.String(); !strings.Contains(got, "level=ERROR") || !strings.Contains(got, "over 1048576 bytes") {
		t.Errorf("no log line says so: %s", got)
	}
}

// TestFlashMessagesThatNobodyReadsAreBounded: the latest of each kind stay.
func TestFlashMessagesThatNobodyReadsAreBounded(t *testing.T) {
	s, _, _ := loadTwice(t)
	var want []string
	for i := range 2 * session.MaxFlashes {
		message := fmt.Sprint(i)
		if err := errors.Join(s.Flash("info", message), s.Flash("other", "stays")); err != nil {
			t.Fatal(err)
		}
		want = append(want, message)
	}
	want = want[len(want)-session.MaxFlashes:]
	if got, err := s.Flashes("info"); err != nil || !slices.Equal(got, want) {
		t.Errorf("Flashes() = %q, %v; want %q", got, err, want)
	}
	if got, err := s.Flashes("other"); err != nil || len(got) != session.MaxFlashes {
		t.Errorf("%d messages of another kind, %v", len(got), err)
	}
}
