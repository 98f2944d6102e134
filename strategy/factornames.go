package strategy

// FactorNamer is an optional ability of a Strategy that reports Info.Factors: to list the
// names that may be among them, so that a guard can tell a factor that nobody proves from
// one that somebody does. A strategy without it proves one factor, of its own name.
type FactorNamer interface {
	// FactorNames returns the names. The answer is always the same.
	FactorNames() []string
}

// FactorNamesOf returns the answer of the outermost [FactorNamer] on the way from s through
// its Unwrap methods, and the name of s when there is none.
func FactorNamesOf[U any](s Strategy[U]) []string {
	name := s.Name()
	for s != nil {
		if f, ok := s.(FactorNamer); ok {
			return f.FactorNames()
		}
		inner, ok := s.(interface{ Unwrap() Strategy[U] })
		if !ok {
			break
		}
		s = inner.Unwrap()
	}
	return []string{name}
}
