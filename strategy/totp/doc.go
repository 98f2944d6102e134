// Package totp answers: does this user hold the authenticator app that they enrolled?
//
// [Codes] makes keys, shows them to an app and checks codes, RFC 6238. [New] makes the strategy for
// guard.Guard.StepUp. [NewRecoveryCodes] is for users who lose the app. [SQLTable] keeps keys, encrypted by a
// [Vault], and codes.
package totp
