// Package passkeytest checks a table of passkeys against the contract of [passkey.Credentials], rule by rule.
package passkeytest
