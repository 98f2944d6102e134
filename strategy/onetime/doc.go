// Package onetime answers: was this token mailed to a user, and is it used for the first
// time?
//
// [Tokens] makes and redeems them, for any purpose: to confirm an address, to reset a
// password. [MagicLink] is the strategy that logs in by one.
package onetime
