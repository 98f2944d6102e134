package strategy

import "net/http"

// AllowsCrossSite reports whether s may be asked about r even if a browser sent it
// from another site: the answer of the outermost [CrossSite] on the way from s
// through its Unwrap methods, and false when there is none.
//
// A decorator has a method Unwrap() Strategy[U] that returns what it decorates; one
// that changes the user's type, as [Map] does, implements CrossSite instead.
func AllowsCrossSite[U any](s Strategy[U], r *http.Request) bool {
	for s != nil {
		if c, ok := s.(CrossSite); ok {
			return c.AllowCrossSite(r)
		}
		inner, ok := s.(interface{ Unwrap() Strategy[U] })
		if !ok {
			return false
		}
		s = inner.Unwrap()
	}
	return false
}
