// Package policy answers: may this password be chosen?
//
// Call [Policy.Check] at a registration, a change or a reset, never at a log-in. A
// [BreachChecker] knows passwords that were stolen elsewhere: [Range] asks Have I Been
// Pwned by five digits of a hash, [File] reads a list on disk.
//
//	pwned, err := policy.NewRange(policy.RangeConfig{UserAgent: "shop"})
//	rules, err := policy.New(policy.Config{Breached: pwned})
package policy
