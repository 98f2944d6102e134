package session_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// Values are declared once, with their type. Update runs its function again if
// another request changed the session meanwhile, so that no item is ever lost.
func Example_values() {
	const cart session.Key[[]string] = "cart"

	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		panic(err)
	}
	sessions, err := session.New(session.Config{
		Store:        memory.Sessions,
		Codec:        session.SecureCookie("a secret of at least 32 random bytes"),
		InsecureHTTP: true, // httptest speaks plain http
	})
	if err != nil {
		panic(err)
	}

	mux := http.NewServeMux()
	mux.HandleFunc("POST /cart/{item}", func(w http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable) // the store is down
			return
		}
		err = cart.Update(s, func(items []string) ([]string, error) {
			return append(items, r.PathValue("item")), nil
		})
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		items, _, err := cart.Get(s)
		fmt.Fprint(w, items, err)
	})
	h := sessions.Handler(mux)

	var cookie string
	for _, item := range []string{"apple", "pear"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("POST", "/cart/"+item, nil)
		r.Header.Set("Cookie", cookie)
		h.ServeHTTP(w, r)
		if c := w.Result().Cookies(); len(c) > 0 {
			cookie = c[0].Name + "=" + c[0].Value
		}
		fmt.Println(w.Body)
	}
	// Output:
	// [apple] <nil>
	// [apple pear] <nil>
}
