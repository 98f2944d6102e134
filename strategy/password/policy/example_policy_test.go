package policy_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/password"
	"github.com/seed-6f34412b/passport/strategy/password/policy"
)

// A registration that asks the policy first and hashes afterwards.
func Example_policy() {
	rules, err := policy.New(policy.Config{Blocklist: []string{"examplecorp"}})
	if err != nil {
		panic(err)
	}
	hasher := &password.Bcrypt{InsecureFast: true, Cost: 4} // in production: &password.Bcrypt{}

	register := func(email, chosen string) {
		ctx := context.Background()
		var broken *policy.Error
		if err := rules.Check(ctx, chosen, email); errors.As(err, &broken) {
			fmt.Println("400:", broken.Rule)
			return
		} else if err != nil {
			fmt.Println("503: the breach check is down")
			return
		}
		hash, err := hasher.Hash(ctx, chosen)
		if err != nil {
			fmt.Println("503:", errors.Is(err, strategy.ErrBusy))
			return
		}
		fmt.Println("201: stored", hash[:7])
	}
	register("joefoo@test.com", "Passw0rd!")
	register("joefoo@test.com", "examplecorp-joefoo-2026")
	register("joefoo@test.com", "vexing otter mends a kite")
	// Output:
	// 400: short
	// 400: common
	// 201: stored $2a$04$
}
