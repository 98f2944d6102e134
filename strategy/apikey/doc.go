// Package apikey answers: which program sent this request?
//
// A key is the application's prefix, an id, a secret and a checksum:
//
//	shop_4Hc0mKxq2V9Z_t7RwB1nYdLq0ZkXv3JpEs8TgUa5Wc2Mh3qY4Im
//
// [New] makes the strategy; [Keys] issues, lists and revokes keys. The application stores
// a [Key], which has the SHA-256 of the whole text instead of the secret: 190 random bits
// need no slow hash.
//
// The prefix and the checksum help to find leaked keys in repositories and logs.
// [Pattern] is the regular expression to give to a scanner, such as GitHub's secret
// scanning or gitleaks; [Parse] recognises a real key without a look-up, and returns the
// id to revoke.
//
// The strategy needs no session, and can be combined with sessions:
//
//	auth.Authenticate("session", "apikey")
package apikey
