package session_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
)

// TestABindingIsOfOneSession: it stays the same, no other session has it, and requests at the same time agree.
func TestABindingIsOfOneSession(t *testing.T) {
	const kept session.Key[int] = "kept"
	other := func() {}
	site := newManager(t, newScripted()).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if err := kept.SetContext(r.Context(), 1); err != nil {
				t.Error(err)
			}
			return
		}
		if _, _, err := kept.GetContext(r.Context()); err != nil { // the session is loaded
			t.Error(err)
		}
		run := other
		other = func() {}
		run()
		text, err := session.Binding(r.Context())
		if err != nil || len(text) < 26 {
			t.Errorf("got %q, %v, want random text", text, err)
		}
		fmt.Fprint(w, text)
	}))
	kim, eve := browser.New(t, site), browser.New(t, site)
	kim.Post("/")
	twin, first := kim.Twin(), ""
	other = func() { first = twin.Get("/").Text }
	if got := kim.Get("/").Text; got != first {
		t.Errorf("two requests at the same time: got %q and %q, want one text", got, first)
	}
	if got := kim.Get("/").Text; got != first {
		t.Errorf("later: got %q, want %q", got, first)
	}
	if got := eve.Get("/").Text; got == first {
		t.Errorf("another session has %q too", got)
	}
	if _, err := session.Binding(t.Context()); !errors.Is(err, session.ErrNoHandler) {
		t.Errorf("without a session: got %v, want ErrNoHandler", err)
	}
}
