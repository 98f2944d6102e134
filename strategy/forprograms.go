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
