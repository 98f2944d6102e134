package guard_test

import (
	"net/http"
	"runtime"
	"strings"
	"testing"
)

// TestAtMostTwoFramesBeforeTheHandler: the session's and the guard's, so that a stack trace mainly shows
// the application.
func TestAtMostTwoFramesBeforeTheHandler(t *testing.T) {
	w := newWorld(t)
	var ours []string
	w.mux.Handle("/frames", w.RequireAuth(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		pc := make([]uintptr, 64)
		frames := runtime.CallersFrames(pc[:runtime.Callers(2, pc)])
		for more := true; more; {
			var f runtime.Frame
			f, more = frames.Next()
			if strings.Contains(f.Function, "http.(*ServeMux)") {
				return
			}
			if strings.Contains(f.Function, "/passport/") {
				ours = append(ours, f.Function)
			}
		}
	})))
	w.loggedIn("joe@test.com").Get("/frames").Want(t, 200, "")
	if len(ours) != 2 {
		t.Errorf("got %d frames, want 2: %q", len(ours), ours)
	}
}
