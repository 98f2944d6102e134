package strategy

// ForPrograms is an optional ability of a Strategy whose credentials are a program's: a
// key or a token that somebody who was logged in had issued, and that is not typed. A
// guard with Config.Factors asks no second factor of them, for nobody is there to prove
// one. A strategy that checks what a person remembers, such as a password in an
// Authorization header, has not got it: or the password alone would be enough.
type ForPrograms interface {
	// ForPrograms reports whether that is so. The answer is always the same.
	ForPrograms() bool
}

// IsForPrograms returns the answer of the outermost [ForPrograms] on the way from s through
// its Unwrap methods, and false when there is none. [AllowsCrossSite] says what Unwrap is.
func IsForPrograms[U any](s Strategy[U]) bool {
	for s != nil {
		if p, ok := s.(ForPrograms); ok {
			return p.ForPrograms()
		}
		inner, ok := s.(interface{ Unwrap() Strategy[U] })
		if !ok {
			return false
		}
		s = inner.Unwrap()
	}
	return false
}
