// Package policy answers: may this password be chosen?
//
// A [Policy] is asked at a registration, a change or a reset, never at a log-in.
package policy
