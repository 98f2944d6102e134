// Package remember answers: which user was logged in at this browser before?
//
// [Service] logs a browser in again when its session is over. guard.Config.RememberMe takes it
// and does the work.
//
// # How soon a theft is found
//
// The cookie is replaced at every use. An answer that is lost leaves the browser with the
// replaced one, so a replaced cookie is not always a theft. These are the cases, with uses
// that are further apart than Config.Grace:
//
//	the owner's answers get lost               no alarm, however often, and however late the browser comes again
//	the thief is first, once; the owner comes  the owner gets in, the thief's session ends; found when the thief comes again
//	the owner is first, once; the thief comes  the thief gets in, the owner's session ends; found when the owner comes again
//	either is first, twice; the other comes    found at once
//	an old copy, of two or more uses ago       found at once
//
// When a theft is found, all sessions and remembered browsers of the user end, and
// guard.EventTokenReuse is sent. Within Config.Grace both get the same next cookie, as
// the tabs of one browser do: a thief who always comes within Grace after the owner is
// not found until one of them comes twice in a row.
package remember
