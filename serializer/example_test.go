package serializer_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/seed-6f34412b/passport/serializer"
)

// Account is a row of the application's users table.
type Account struct {
	ID           int
	Name         string
	PasswordHash string
}

var accounts = map[int]*Account{
	1: {ID: 1, Name: "Joe", PasswordHash: "$2b$12$joes"},
	2: {ID: 2, Name: "Jen", PasswordHash: "$2b$12$jens"},
}

func accountByID(_ context.Context, id int) (*Account, error) {
	a, ok := accounts[id]
	if !ok {
		return nil, serializer.ErrUserGone // log out; any other error would be an outage
	}
	return a, nil
}

// The session keeps the id, and the user is looked up at each request.
func ExampleByID() {
	users := serializer.ByID(func(a *Account) int { return a.ID }, accountByID)

	id, err := users.Serialize(context.Background(), accounts[2])
	fmt.Println(string(id), err)

	a, err := users.Deserialize(context.Background(), id)
	fmt.Println(a.Name, err)

	_, err = users.Deserialize(context.Background(), json.RawMessage("3"))
	fmt.Println(err)
	// Output:
	// 2 <nil>
	// Jen <nil>
	// serializer: find user: serializer: no such user
}

// Sessions end when the password changes.
func ExampleWithStamp() {
	users := serializer.WithStamp(
		serializer.ByID(func(a *Account) int { return a.ID }, accountByID),
		func(a *Account) string { return a.PasswordHash },
	)
	id := json.RawMessage("1")
	before := users.Stamp(accounts[1], id)
	after := users.Stamp(&Account{ID: 1, PasswordHash: "$2b$12$new"}, id)
	fmt.Println("still logged in:", before == after)
	// Output:
	// still logged in: false
}

// Old sessions hold e-mail addresses, new ones hold ids.
func ExampleChain() {
	byAddress := serializer.ByID(func(a *Account) string { return a.Name + "@example.com" },
		func(_ context.Context, address string) (*Account, error) {
			if address == "Joe@example.com" {
				return accounts[1], nil
			}
			return nil, serializer.ErrUserGone
		})
	byID := serializer.ByID(func(a *Account) int { return a.ID }, accountByID)
	users := serializer.Chain[*Account](byID, byAddress)

	for _, inSession := range []string{`2`, `"Joe@example.com"`} {
		a, err := users.Deserialize(context.Background(), json.RawMessage(inSession))
		fmt.Println(a.Name, err)
	}
	// Output:
	// Jen <nil>
	// Joe <nil>
}
