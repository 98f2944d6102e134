package strategy

// FactorNamer is an optional ability of a Strategy that reports Info.Factors: to list the names that may be
// among them, so that a guard can refuse others. A strategy without it proves one factor, of its name ([Named]).
type FactorNamer interface {
	// FactorNames returns the names; none is as without it. The answer is always the same.
	FactorNames() []string
}
