package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// A gRPC server, or a gateway that keeps WebSockets, gets the browser's cookies as text:
// metadata.ValueFromIncomingContext(ctx, "cookie"), for instance. guard.Guard.UserOf then
// says who is logged in.
func ExampleManager_OpenCookies() {
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		panic(err)
	}
	sessions, err := session.New(session.Config{Store: memory.Sessions, Codec: session.SecureCookie("a secret of at least 32 random bytes")})
	if err != nil {
		panic(err)
	}
	const name session.Key[string] = "name"
	greet := func(ctx context.Context, cookies []string) (string, error) {
		s, err := sessions.OpenCookies(ctx, cookies...)
		switch {
		case errors.Is(err, session.ErrNotFound):
			return "hello stranger", nil
		case err != nil:
			return "", err // the store is down: codes.Unavailable
		}
		who, _, err := name.Get(s)
		return "hello " + who, err
	}

	// The browser gets its cookie from a page.
	page := sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if s, err := session.FromContext(r.Context()); err == nil {
			_ = name.Set(s, "Joe")
		}
	}))
	w := httptest.NewRecorder()
	page.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://shop.example/", nil))
	cookie := w.Result().Cookies()[0]

	fmt.Println(greet(context.Background(), []string{"theme=dark; " + cookie.Name + "=" + cookie.Value}))
	fmt.Println(greet(context.Background(), []string{"theme=dark"}))
	// Output:
	// hello Joe <nil>
	// hello stranger <nil>
}
