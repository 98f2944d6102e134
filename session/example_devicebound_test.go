package session_test

import (
	"fmt"
	"net/http"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// Sessions are bound to a key of the browser's device, in browsers that have Device Bound Session
// Credentials: the answer to a log-in offers it, and one handler does the rest.
func ExampleManager_DeviceBound() {
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	sessions, err := session.New(session.Config{
		Store: memory.Sessions, Codec: session.SecureCookie("a made-up secret of 32 bytes or more"),
		DeviceBound: session.DeviceBound{Lifetime: 10 * time.Minute},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle(sessions.DeviceBound())
	path, _ := sessions.DeviceBound()
	fmt.Println(path)
	// Output: /device-bound
}
