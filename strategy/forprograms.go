package strategy

// ForPrograms is an optional ability of a Strategy whose credentials are a program's: a
// key or a token that a logged-in user created, and that is not typed. A guard with
// Config.Factors does not ask for a second factor, which a program cannot prove. Do not
// implement it for what a person remembers, such as a password in an Authorization
// header: the password alone would be enough.
type ForPrograms interface {
	// ForPrograms reports whether that is so. The answer is always the same.
	ForPrograms() bool
}
