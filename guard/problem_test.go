package guard_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// TestAProblemSaysWhatToDo, so that an application in the browser can distinguish them (G28).
func TestAProblemSaysWhatToDo(t *testing.T) {
	w := newWorld(t)
	for _, row := range []struct {
		name   string
		err    error
		status int
		kind   string
		factor string
		maxAge int64
	}{
		{"nobody is logged in", strategy.ErrUnauthenticated, 401, guard.ProblemLogIn, "", 0},
		{"a wrong password", &guard.Refusal{Failures: []guard.Failure{{Strategy: "local", Err: &strategy.Failure{}}}}, 401, guard.ProblemLogIn, "", 0},
		{"too many guesses", &guard.Refusal{Failures: []guard.Failure{{Strategy: "local", Err: &strategy.Failure{Status: 429}}}}, 429, "about:blank", "", 0},
		{"a missing factor", &guard.Insufficient{Factor: "totp|passkey"}, 401, guard.ProblemFactor, "totp|passkey", 0},
		{"a factor that is too old", &guard.Insufficient{Factor: "totp", MaxAge: time.Minute}, 401, guard.ProblemFactor, "totp", 60},
		{"a log-in that is too old", &guard.Insufficient{MaxAge: 10 * time.Minute}, 401, guard.ProblemFresh, "", 600},
		{"the session ended", fmt.Errorf("save: %w", session.ErrSessionEnded), 409, guard.ProblemConflict, "", 0},
		{"the session changed", session.ErrSessionChanged, 409, guard.ProblemConflict, "", 0},
		{"another site", guard.ErrCrossSite, 403, guard.ProblemCrossSite, "", 0},
		{"too many sessions", guard.ErrTooManySessions, 403, guard.ProblemTooManySessions, "", 0},
		{"an administrator who acts as the user", guard.ErrActing, 403, guard.ProblemActing, "", 0},
		{"a user who may not", guard.ErrForbidden, 403, "about:blank", "", 0},
		{"an outage", errOutage, 503, "about:blank", "", 0},
	} {
		rec := httptest.NewRecorder()
		w.Error(rec, httptest.NewRequest(http.MethodPost, "/", nil), row.err)
		var got struct {
			Type, Factor string
			Status       int
			MaxAge       int64
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		if rec.Code != row.status || got.Status != row.status || got.Type != row.kind || got.Factor != row.factor || got.MaxAge != row.maxAge {
			t.Errorf("%s: got %d %s, want %d of type %s with factor %q and age %d", row.name, rec.Code, rec.Body, row.status, row.kind, row.factor, row.maxAge)
		}
	}
}

// TestAProblemSaysHowLongToWait, to people and to programs.
func TestAProblemSaysHowLongToWait(t *testing.T) {
	for _, row := range []struct {
		name  string
		err   error
		after time.Duration
		want  string
	}{
		{"a throttle's refusal", &strategy.Failure{Status: 429, RetryAfter: 1500 * time.Millisecond}, 1500 * time.Millisecond, "Too many attempts. Try again in 2 seconds."},
		{"one second", &strategy.Failure{Status: 429, RetryAfter: time.Millisecond}, time.Millisecond, "Too many attempts. Try again in 1 second."},
		{"minutes", &guard.Refusal{Failures: []guard.Failure{{Err: &strategy.Failure{Status: 429, RetryAfter: 121 * time.Second}}}}, 121 * time.Second, "Too many attempts. Try again in 3 minutes."},
		{"hours", &strategy.Failure{Status: 429, RetryAfter: 150 * time.Minute}, 150 * time.Minute, "Too many attempts. Try again in 3 hours."},
		{"nobody knows", &strategy.Failure{Status: 429}, 0, "Too many attempts. Try again later."},
		{"another refusal that asks to wait", &strategy.Failure{Status: 409, RetryAfter: time.Minute}, time.Minute, "The session ended or changed in the meantime. Load the page again."},
		{"too many hashes at once", fmt.Errorf("argon2id: %w", strategy.ErrBusy), 5 * time.Second, "This does not work at the moment. Try again soon."},
		{"a wrong password", &strategy.Failure{}, 0, "Log in first. If you sent a password, a token or a cookie, it was not accepted."},
	} {
		p := guard.ProblemOf(row.err)
		if p.RetryAfter != row.after || p.Detail != row.want || p.Status != guard.Status(row.err) || p.Title != http.StatusText(p.Status) {
			t.Errorf("%s: got %+v, want %v and %q", row.name, p, row.after, row.want)
		}
	}
}

// TestANilPointerIsAMistakeOfTheProgram: an application answers with a value that errors.As did not set.
func TestANilPointerIsAMistakeOfTheProgram(t *testing.T) {
	w := newWorld(t)
	for name, err := range map[string]error{
		"no error":                      nil,
		"a refusal":                     (*guard.Refusal)(nil),
		"a missing factor":              (*guard.Insufficient)(nil),
		"a redirect":                    (*strategy.Redirect)(nil),
		"a refusal, wrapped":            fmt.Errorf("log in: %w", (*guard.Refusal)(nil)),
		"a refusal, after another one":  errors.Join(strategy.ErrUnauthenticated, (*guard.Refusal)(nil)),
		"a missing factor of a refusal": &guard.Refusal{Failures: []guard.Failure{{Err: (*guard.Insufficient)(nil)}}},
	} {
		if got := guard.ProblemOf(err); got.Status != 500 || got.Type != "about:blank" || guard.Status(err) != 500 {
			t.Errorf("%s: got %+v, want 500", name, got)
		}
		if err == nil {
			continue
		}
		rec := httptest.NewRecorder()
		w.Error(rec, httptest.NewRequest(http.MethodPost, "/", nil), err)
		if rec.Code != 500 {
			t.Errorf("%s: answered %d, want 500", name, rec.Code)
		}
	}
	var none *guard.Refusal
	if none.Status() != 500 || none.Challenges() != nil || none.RetryAfter() != 0 {
		t.Errorf("a nil *Refusal: status %d, challenges %q, wait %v", none.Status(), none.Challenges(), none.RetryAfter())
	}
}
