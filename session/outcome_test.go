package session_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// TestACommitTellsWhichLogInsItCarriedOut, so that no event is sent of one that was dropped.
func TestACommitTellsWhichLogInsItCarriedOut(t *testing.T) {
	for _, row := range []struct {
		name string
		ops  []string
		want string // of user 1 under passport, user 9 under admin
	}{
		{"nothing", nil, "false false"},
		{"a log-in", []string{"login 1"}, "true false"},
		{"a log-in that Save stored", []string{"login 1", "save"}, "true false"},
		{"a log-in and then Reload", []string{"login 1", "reload"}, "false false"},
		{"a log-in that Save stored, and then Reload", []string{"login 1", "save", "reload"}, "true false"},
		{"a log-in and then a log-out", []string{"login 1", "logout"}, "false false"},
		{"another user's log-in after it", []string{"login 1", "login 2"}, "false false"},
		{"two guards' log-ins", []string{"login 1", "login 9 admin"}, "true true"},
		{"two guards' log-ins, of which one is logged out", []string{"login 1", "login 9 admin", "logout"}, "false true"},
		{"a log-in and then Destroy", []string{"login 1", "destroy"}, "false false"},
		{"a log-in after Destroy", []string{"destroy", "login 1"}, "true false"},
		{"a log-in and then Renew", []string{"login 1", "renew"}, "true false"},
	} {
		m := newManager(t, newScripted())
		got := ""
		h := m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			for _, op := range row.ops {
				if err := do(r.Context(), m, op); err != nil {
					t.Errorf("%s: %s: %v", row.name, op, err)
				}
			}
			st := reqstate.Of(r.Context(), m)
			st.AfterCommit(func(error) {
				got = fmt.Sprint(st.Stored("passport", json.RawMessage("1")), st.Stored("admin", json.RawMessage("9")))
			})
		}))
		h.ServeHTTP(newRecorder(), httptest.NewRequest("POST", "/", nil))
		if got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
}
