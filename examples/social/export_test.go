package main

import "context"

// Run is run, for the tests.
func Run(ctx context.Context, addr string, ready func(app string)) error {
	return run(ctx, addr, func(s *site) { ready(s.app) })
}
