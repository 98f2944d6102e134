package remember_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"

	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy/remember"
)

// What a guard does with it: a cookie at the log-in, a new one whenever the browser comes
// back, and an error that says whose cookie it was when an old one is shown.
func Example_browser() {
	memory, err := store.Memory(store.MemoryConfig{}) // several processes: store.Redis
	if err != nil {
		panic(err)
	}
	me, err := remember.New(remember.Config{
		Cells: memory.Cells, Secrets: []string{"a made-up secret of 32 bytes or more"},
		InsecureHTTP: true, // on loopback
	})
	if err != nil {
		panic(err)
	}
	_, first, err := me.Remember(context.Background(), "user 2", []byte("2"), nil)
	if err != nil {
		panic(err)
	}
	cookie := first
	for range 2 {
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(cookie)
		who, next, err := me.Recall(r)
		fmt.Println(who.User, err)
		cookie = next
	}
	copied := httptest.NewRequest("GET", "/", nil)
	copied.AddCookie(first)
	_, _, err = me.Recall(copied)
	var theft *remember.CookieTheft
	if errors.As(err, &theft) {
		fmt.Println("a copy of the cookie of", theft.Remembered.User)
	}
	// Output:
	// user 2 <nil>
	// user 2 <nil>
	// a copy of the cookie of user 2
}
