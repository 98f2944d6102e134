package onetime_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/onetime"
)

// The link of "forgot your password?": the token goes into the mail, and the form that
// the link leads to posts it back with the new password.
func Example_reset() {
	memory, err := store.Memory(store.MemoryConfig{}) // several processes: store.Redis
	if err != nil {
		panic(err)
	}
	resets, err := onetime.New(onetime.Config{Tokens: memory.Tokens, Purpose: "password reset", TTL: 10 * time.Minute})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	token, err := resets.Issue(ctx, "user 2")
	if err != nil {
		panic(err)
	}
	fmt.Println("a token of", len(token), "characters")

	user, err := resets.Redeem(ctx, token)
	fmt.Println(user, err)
	_, err = resets.Redeem(ctx, token)
	fmt.Println("again:", errors.Is(err, strategy.ErrUnauthenticated))
	// Output:
	// a token of 32 characters
	// user 2 <nil>
	// again: true
}
