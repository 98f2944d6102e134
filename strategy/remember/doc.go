// Package remember answers: which user was logged in at this browser before?
//
// [Me] keeps a browser logged in when its session is over. guard.Config.RememberMe takes
// it and does the work.
package remember
