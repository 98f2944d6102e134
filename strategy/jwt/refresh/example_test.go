package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy/jwt/refresh"
)

// What a log-in, the refreshes after it, and a thief see.
func Example() {
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		panic(err)
	}
	tokens, err := refresh.New(refresh.Config{Cells: memory.Cells, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	first, err := tokens.Issue(ctx, refresh.Grant{Subject: "42", AuthTime: time.Now()})
	if err != nil {
		panic(err)
	}
	grant, second, err := tokens.Rotate(ctx, first)
	fmt.Println("user", grant.Subject, err)

	_, again, err := tokens.Rotate(ctx, first) // the answer was lost on the way
	fmt.Println("the same:", again == second, err)

	_, _, err = tokens.Rotate(ctx, second)
	fmt.Println("the next:", err)

	_, _, err = tokens.Rotate(ctx, first) // somebody kept a copy
	fmt.Println("reused:", errors.Is(err, refresh.ErrReused))
	_, _, err = tokens.Rotate(ctx, second)
	fmt.Println("ended:", errors.Is(err, refresh.ErrInvalid))
	// Output:
	// user 42 <nil>
	// the same: true <nil>
	// the next: <nil>
	// reused: true
	// ended: true
}
