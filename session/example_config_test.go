package session_test

import (
	"fmt"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// To share live sessions with express-session, give both the same secret and the same
// Redis. The second secret is an older one, still honoured while it is rotated out.
func ExampleExpress() {
	memory, err := store.Memory(store.MemoryConfig{}) // in production: store.Redis
	if err != nil {
		panic(err)
	}
	sessions, err := session.New(session.Config{
		Store: memory.Sessions,
		Codec: session.Express("the new secret that Node has first too", "the old secret that Node has second too"),
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(sessions.CookieName())
	// Output: connect.sid
}

// To leave Node for good, take its sessions over: they arrive under connect.sid and
// leave under a cookie of our own, and nobody logs in again.
func ExampleAccept() {
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		panic(err)
	}
	sessions, err := session.New(session.Config{
		Store:      memory.Sessions,
		Codec:      session.SecureCookie("a secret of at least 32 random bytes"),
		AlsoAccept: []session.Accept{{Codec: session.Express("the secret that express-session has"), Reissue: true}},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(sessions.CookieName())
	// Output: __Host-sid
}

// New names every mistake at once, with its cure.
func ExampleNew_incorrect() {
	_, err := session.New(session.Config{
		Codec:        session.SecureCookie("keyboard cat"),
		Name:         "__Host-sid",
		InsecureHTTP: true,
		IdleTimeout:  2 * time.Hour, AbsoluteTimeout: time.Hour,
	})
	fmt.Println(err)
	// Output:
	// session: Config.Store is nil: use store.Redis or store.Memory
	// session: SecureCookie: secret 1 of 1 has 12 bytes: give at least 32
	// session: Config.Name "__Host-sid" needs the Secure attribute: drop InsecureHTTP or the __Host- prefix
	// session: Config.IdleTimeout 2h0m0s is longer than AbsoluteTimeout 1h0m0s: use a shorter one, or raise AbsoluteTimeout
}
