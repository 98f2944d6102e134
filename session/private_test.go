package session_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/session"
)

// TestNoValueGetsOutByMistake, neither in a log of either format nor in a response that was to contain
// something else.
func TestNoValueGetsOutByMistake(t *testing.T) {
	m := newManager(t, newScripted())
	h := m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err == nil {
			err = errors.Join(text.Set(s, "made up and private"), s.Save(r.Context()))
		}
		if err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		logger := slog.New(slog.NewJSONHandler(&log, nil))
		logger.Info("plain", "session", s)
		logger.Info("in a struct", "data", struct{ Session *session.Session }{s})
		b, err := json.Marshal(map[string]any{"session": s})
		if err != nil {
			t.Error(err)
		}
		for name, shown := range map[string]string{"the log": log.String(), "json.Marshal": string(b), "%#v": fmt.Sprintf("%#v", s)} {
			if strings.Contains(shown, "private") || !strings.Contains(shown, s.Ref()) {
				t.Errorf("%s: got %s, want the Ref %s and no value", name, shown, s.Ref())
			}
		}
		if b, err = s.ExpressJSON(); err != nil || !strings.Contains(string(b), "private") {
			t.Errorf("ExpressJSON: got %s and error %v, want the record", b, err)
		}
	}))
	h.ServeHTTP(newRecorder(), httptest.NewRequest("GET", "/", nil))
}

// TestATimeThatIsNotKnownIsLeftOut of the JSON of an Info, instead of the year 1.
func TestATimeThatIsNotKnownIsLeftOut(t *testing.T) {
	b, err := json.Marshal(session.Info{Ref: "made-up", Created: time.UnixMilli(1795442400123).UTC()})
	if want := `{"ref":"made-up","created":"2026-11-23T14:00:00.123Z"}`; err != nil || string(b) != want {
		t.Errorf("got %s and error %v, want %s", b, err, want)
	}
}
