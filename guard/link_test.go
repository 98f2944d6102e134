package guard_test

import (
	"net/http"
	"testing"
)

// TestLabelsOfGuardsAreReserved: labels with a guard's key end with its log-in, and one that an application
// added would be gone after the next write.
func TestLabelsOfGuardsAreReserved(t *testing.T) {
	w := newWorld(t)
	for label, want := range map[string]bool{"passport:AB123": false, "passports:AB123": true, "passport": true, "tenant:7": true} {
		w.mux.Handle("POST /"+label, w.Restore(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s, err := w.sessions.Session(r.Context())
			if err != nil {
				t.Error(err)
				return
			}
			for name, f := range map[string]func() error{
				"Link":   func() error { return s.Link(r.Context(), label) },
				"Unlink": func() error { return s.Unlink(r.Context(), label) },
			} {
				if err := f(); (err == nil) != want {
					t.Errorf("%s %q: got %v, want it to be taken: %v", name, label, err, want)
				}
			}
		})))
		w.open().Post("/" + label)
	}
}
