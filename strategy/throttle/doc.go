// Package throttle answers: how often may somebody guess?
//
// [New] wraps a strategy whose credentials can be guessed. It counts attempts by account
// and by client address, and answers 429 when there are too many.
//
//	local, err := throttle.New(throttle.Config{Counter: counter}, passwords)
package throttle
