package strategy_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-6f34412b/passport/strategy"
)

// A registration that asks the policy first and hashes afterwards.
func Example_policy() {
	policy, err := strategy.NewPolicy(strategy.PolicyConfig{Blocklist: []string{"examplecorp"}})
	if err != nil {
		panic(err)
	}
	hasher := &strategy.Bcrypt{InsecureFast: true, Cost: 4} // in earnest: &strategy.Bcrypt{}

	register := func(email, password string) {
		ctx := context.Background()
		var broken *strategy.PolicyError
		if err := policy.Check(ctx, password, email); errors.As(err, &broken) {
			fmt.Println("400:", broken.Rule)
			return
		} else if err != nil {
			fmt.Println("503: the breach check is down")
			return
		}
		hash, err := hasher.Hash(ctx, password)
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
