// Package password answers: is this the password of that user?
//
// [New] makes the strategy "local" of a users table; [NewCheck] is the same for other
// fields, for HTTP Basic, or for "enter your present password".
//
//	local, err := password.New(users, password.Config{})
//
// Hashes are made and compared by a [Hasher]: [Bcrypt], which reads what Node and PHP
// have stored, [Argon2id], or [Hashers], which moves a table from one to the other. A
// [Limit] bounds the work. Which passwords may be chosen is for package
// strategy/password/policy to say.
package password
