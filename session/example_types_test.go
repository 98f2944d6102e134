package session_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// The shop kept a list of names, and now keeps numbers too. Sessions from before are still
// in use for as long as they live.
func Example_changedType() {
	type order struct {
		Items []string
		Gift  bool
	}
	const before session.Key[[]string] = "cart"
	const cart session.Key[order] = "cart"

	read := func(s *session.Session) (order, error) {
		o, _, err := cart.Get(s)
		if errors.Is(err, session.ErrValueType) {
			o.Items, _, err = before.Get(s)
		}
		return o, err
	}

	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		panic(err)
	}
	sessions, err := session.New(session.Config{Store: memory.Sessions, Codec: session.SecureCookie("a secret of at least 32 random bytes")})
	if err != nil {
		panic(err)
	}
	page := sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err == nil {
			err = before.Set(s, []string{"apples"})
		}
		if err == nil {
			var o order
			if o, err = read(s); err == nil {
				fmt.Fprintf(w, "%+v", o)
			}
		}
		if err != nil {
			http.Error(w, "our mistake", http.StatusInternalServerError)
		}
	}))
	w := httptest.NewRecorder()
	page.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://shop.example/", nil))
	fmt.Println(w.Body)
	// Output: {Items:[apples] Gift:false}
}
