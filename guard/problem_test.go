package guard_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// TestAProblemSaysWhatToDo: an application in the browser can tell them apart (G28).
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
