package session_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// A label finds sessions again: here, all that came through one tenant.
// Guards label their log-ins by themselves; see guard.LogOutEverywhere.
func ExampleManager_Linked() {
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		panic(err)
	}
	sessions, err := session.New(session.Config{Store: memory.Sessions, Codec: session.SecureCookie("a secret of at least 32 random bytes")})
	if err != nil {
		panic(err)
	}
	enter := sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err == nil {
			err = s.Link(r.Context(), "tenant:7")
		}
		if err != nil {
			panic(err)
		}
	}))
	for range 3 {
		enter.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}

	ctx := context.Background()
	n := 0
	for info, err := range sessions.Linked(ctx, "tenant:7") {
		if err != nil {
			panic(err)
		}
		n++
		_ = info.Seen // when it was last in use; info.Ref is safe to show
	}
	ended, err := sessions.DestroyLinked(ctx, "tenant:7")
	fmt.Println(n, "listed,", ended, "ended,", err)
	// Output: 3 listed, 3 ended, <nil>
}
