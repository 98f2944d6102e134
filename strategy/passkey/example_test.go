package passkey_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy/passkey"
)

// The routes of log-in, second factor and a user's passkeys. strategy/passkey/example is a whole program.
func Example() {
	memory, err := store.Memory(store.MemoryConfig{}) // several processes: store.Redis
	if err != nil {
		panic(err)
	}
	secret := rand.Text() + rand.Text() // a real application keeps one
	sessions, err := session.New(session.Config{Store: memory.Sessions, Codec: session.SecureCookie(secret)})
	if err != nil {
		panic(err)
	}
	byID := func(context.Context, int) (*User, error) { return nil, serializer.ErrUserGone }

	passkeys, err := passkey.New(passkey.Config[*User]{
		RPID: "shop.example", RPName: "Shop", Origins: []string{"https://shop.example"},
		Secrets: []string{secret}, Once: memory.Counter, Credentials: &table{},
		Account: func(_ context.Context, u *User) (passkey.Account, error) {
			return passkey.Account{Handle: u.Handle, Name: u.Email}, nil
		},
		WithoutPasskey: func(_ context.Context, u *User) (bool, error) { return u.Password != "", nil },
	})
	if err != nil {
		panic(err)
	}
	auth, err := guard.New(guard.Config{Sessions: sessions}, serializer.ByID(func(u *User) int { return u.ID }, byID), passkeys)
	if err != nil {
		panic(err)
	}
	vault := http.NotFoundHandler()

	mux := http.NewServeMux()
	mux.Handle("POST /passkey/options", passkeys.BeginLogIn(auth))
	mux.Handle("POST /passkey", passkeys.FinishLogIn(auth))
	mux.Handle("POST /stepup/options", passkeys.BeginStepUp(auth))
	mux.Handle("POST /stepup", passkeys.FinishStepUp(auth))
	mux.Handle("POST /passkeys/options", passkeys.BeginRegistration(auth))
	mux.Handle("POST /passkeys", passkeys.FinishRegistration(auth))
	mux.Handle("GET /passkeys", passkeys.List(auth))
	mux.Handle("PATCH /passkeys/{id}", passkeys.Rename(auth))
	mux.Handle("DELETE /passkeys/{id}", passkeys.Remove(auth))
	mux.Handle("GET /vault", auth.RequireFactor("passkey:verified", 0)(vault))

	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "https://shop.example/passkey/options", nil))
	var options struct{ RPID, UserVerification string }
	if err := json.Unmarshal(answer.Body.Bytes(), &options); err != nil {
		panic(err)
	}
	fmt.Println(answer.Code, options.RPID, options.UserVerification)
	// Output: 200 shop.example required
}

// Passkeys of www.shop.example are of no use at shop.example. The other way round they are: choose the
// domain above all hosts that may log in, for it can never be changed.
func ExampleNew_incorrect() {
	_, err := passkey.New(passkey.Config[*User]{
		RPID: "www.shop.example", RPName: "Shop", Origins: []string{"https://shop.example"},
		Secrets: []string{"0123456789abcdef0123456789abcdef"}, Credentials: &table{},
		Account: func(context.Context, *User) (passkey.Account, error) { return passkey.Account{}, nil },
	})
	fmt.Println(err)
	// Output: passkey: Config.Origins[0] "https://shop.example" is not at RPID "www.shop.example" or below it: browsers refuse to use its passkeys there. Correct one of the two, or list the origin in RelatedOrigins
}
