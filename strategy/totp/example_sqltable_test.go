package totp_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/throttle"
	"github.com/seed-6f34412b/passport/strategy/totp"
)

// Apps and recovery codes in the application's database: the strategy, and the handler that confirms an app.
func ExampleSQLTable() {
	type User struct{ ID, Email string }
	var auth *guard.Guard[*User]  // the application's own
	var guesses *throttle.Limiter // of throttle.NewLimiter
	db := new(sql.DB)             // the application's pool, of sql.Open
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		panic(err)
	}
	codes, err := totp.NewCodes(totp.CodesConfig{Cells: memory.Cells, Issuer: "Example"})
	if err != nil {
		panic(err)
	}
	vault, err := totp.NewVault("32 random bytes out of your vault")
	if err != nil {
		panic(err)
	}
	table, err := totp.NewSQLTable(totp.SQLConfig{DB: db, Codes: codes, Vault: vault})
	if err != nil {
		panic(err)
	}
	waits := func(r *http.Request) (*User, error) { return auth.StepUpUser(r) }
	second, err := totp.New(totp.Config[*User]{
		Codes:           codes,
		Enrolled:        totp.SQLEnrolled(table, func(u *User) string { return u.ID }, waits),
		UseRecoveryCode: table.UseRecoveryCode,
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(second.FactorNames())

	// After table.Begin, and a page with what table.Begun returns:
	confirm := func(w http.ResponseWriter, r *http.Request) error {
		user, _ := auth.User(r.Context())
		err := guesses.Attempt(r, user.ID, func(ctx context.Context) error {
			return table.Confirm(ctx, user.ID, r.PostFormValue("code"))
		})
		switch {
		case errors.Is(err, totp.ErrNotBegun): // the first of two clicks has confirmed it, and may have failed then
			_, err = auth.EndFactor(r.Context(), user, "totp")
			return err // without AddFactors: no code was checked
		case errors.Is(err, strategy.ErrUnauthenticated):
			fmt.Fprintln(w, "This code is not right. Take the one that is shown now.")
			return nil
		case err != nil:
			return err
		}
		if _, err = auth.EndFactor(r.Context(), user, "totp"); err == nil { // log-ins with a former app
			err = auth.AddFactors(r, user, "totp")
		}
		return err
	}
	_ = confirm // auth.RequireFresh(10 * time.Minute)(auth.Handle(confirm))
	// Output: [totp recovery]
}
