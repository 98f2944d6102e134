package strategy

// Ability returns s, or the first strategy that its Unwrap methods lead to, that has the optional ability
// T, such as [CrossSite]. ok is false when there is none.
//
// A decorator has a method Unwrap() Strategy[U] that returns what it decorates; one that changes the user's
// type, as [Map] does, has the abilities itself.
func Ability[T, U any](s Strategy[U]) (ability T, ok bool) {
	for s != nil {
		if ability, ok = s.(T); ok {
			return ability, true
		}
		inner, wraps := s.(interface{ Unwrap() Strategy[U] })
		if !wraps {
			break
		}
		s = inner.Unwrap()
	}
	return ability, false
}
