package onetime_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/onetime"
)

// The link of "forgot your password?". It ends with the password, however that is changed.
func ExampleLinks() {
	type User struct{ ID, Email, PasswordHash string }
	joe := &User{"1", "joe@example.com", "$argon2id$1"}
	byID := serializer.ByID(func(u *User) string { return u.ID },
		func(context.Context, string) (*User, error) { return joe, nil })

	memory, err := store.Memory(store.MemoryConfig{}) // several processes: store.Redis
	if err != nil {
		panic(err)
	}
	resets, err := onetime.NewLinks(onetime.LinksConfig[*User]{
		Tokens:  memory.Tokens,
		Purpose: "password reset",
		Users:   serializer.WithStamp(byID, func(u *User) string { return u.PasswordHash + u.Email }),
	})
	if err != nil {
		panic(err)
	}

	ctx := context.Background()
	first, err := resets.Issue(ctx, joe.Email, joe)
	if err != nil {
		panic(err)
	}
	second, err := resets.Issue(ctx, joe.Email, joe)
	if err != nil {
		panic(err)
	}
	fmt.Println("the page is for", onetime.Address(first)) // in the mail: /reset?token=…

	change := func(_ context.Context, _ string, u *User) error { // at the form's POST
		u.PasswordHash = "$argon2id$2"
		return nil
	}
	fmt.Println(resets.Use(ctx, first, change))
	fmt.Println("the other link is refused:", errors.Is(resets.Use(ctx, second, change), strategy.ErrUnauthenticated))
	// Output:
	// the page is for joe@example.com
	// <nil>
	// the other link is refused: true
}
