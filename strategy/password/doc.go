// Package password answers: is this the password of that user?
//
// [New] makes the strategy "local" of a users table; [NewCheck] is the same for other
// fields, for HTTP Basic, or for "enter your present password".
//
//	local, err := password.New(users, password.Config{})
//
// Hashes are made and compared by a [Hasher]: [Bcrypt], which reads what Node and PHP
// have stored, [Argon2id], or [Hashers], which moves a table from one to the other. A
// limit.Limit limits the work. Package strategy/password/policy decides which passwords may
// be chosen.
package password
