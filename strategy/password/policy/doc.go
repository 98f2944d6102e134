// Package policy answers: may this password be chosen?
//
// A [Policy] is asked at a registration, a change or a reset, never at a log-in. Passwords
// that were stolen elsewhere are for a [BreachChecker] to know: [Range] asks Have I Been
// Pwned by five digits of a hash, [File] looks into a list on disk.
//
//	pwned, err := policy.NewRange(policy.RangeConfig{UserAgent: "shop"})
//	rules, err := policy.New(policy.Config{Breached: pwned})
package policy
