// Package onetime answers: was this token mailed to a user, and is it used for the first
// time?
//
// [Links] are for mails: to confirm an address, to reset a password, to log in. Their
// tokens belong to the address to which they are mailed, and end with a change of the
// user's password. [Links.Strategy] is the strategy that logs in by one. [Tokens] is what
// they are made of, for any purpose, and [MagicLink] the strategy for Tokens.
package onetime
