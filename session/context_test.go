package session_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
)

// TestAContextIsEnough to use the session of a request.
func TestAContextIsEnough(t *testing.T) {
	const cart session.Key[int] = "cart"
	mux := http.NewServeMux()
	on := func(path string, h func(w http.ResponseWriter, r *http.Request) error) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		})
	}
	on("POST /put", func(_ http.ResponseWriter, r *http.Request) error {
		ctx := r.Context()
		return errors.Join(cart.SetContext(ctx, 3), session.FlashContext(ctx, "info", "saved"), session.FlashContext(ctx, "info", "again"))
	})
	show := func(read func(r *http.Request) (int, bool, error)) func(http.ResponseWriter, *http.Request) error {
		return func(w http.ResponseWriter, r *http.Request) error {
			n, ok, err := read(r)
			list, err2 := session.FlashesContext(r.Context(), "info")
			fmt.Fprint(w, n, ok, list)
			return errors.Join(err, err2)
		}
	}
	on("/get", show(func(r *http.Request) (int, bool, error) { return cart.GetContext(r.Context()) }))
	on("/pop", show(func(r *http.Request) (int, bool, error) { return cart.PopContext(r.Context()) }))
	b := browser.New(t, newManager(t, newScripted()).Handler(mux))
	b.Get("/get").Want(t, 200, "0 false []")
	b.Post("/put").Want(t, 200, "")
	b.Get("/get").Want(t, 200, "3 true [saved again]")
	b.Get("/pop").Want(t, 200, "3 true []")
	b.Get("/get").Want(t, 200, "0 false []")
}

// TestAContextWithoutASessionIsAnError, and no panic.
func TestAContextWithoutASessionIsAnError(t *testing.T) {
	const cart session.Key[int] = "cart"
	ctx := t.Context()
	_, _, get := cart.GetContext(ctx)
	_, _, pop := cart.PopContext(ctx)
	_, flashes := session.FlashesContext(ctx, "info")
	for name, err := range map[string]error{
		"get": get, "pop": pop, "set": cart.SetContext(ctx, 1), "flash": session.FlashContext(ctx, "info", "saved"), "flashes": flashes,
	} {
		if !errors.Is(err, session.ErrNoHandler) {
			t.Errorf("%s: got %v, want ErrNoHandler", name, err)
		}
	}
}
