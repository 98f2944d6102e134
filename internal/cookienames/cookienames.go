// Package cookienames finds the names of the cookies of strategies.
package cookienames

// Of returns the names of the cookies of s and of everything that it decorates: those of every method
// CookieNames() []string found by following the methods Unwrap() S. S is a strategy.Strategy. It returns
// nil if there are none.
func Of[S any](s S) []string {
	var names []string
	for {
		if c, ok := any(s).(interface{ CookieNames() []string }); ok {
			names = append(names, c.CookieNames()...)
		}
		inner, wraps := any(s).(interface{ Unwrap() S })
		if !wraps {
			return names
		}
		s = inner.Unwrap()
	}
}
