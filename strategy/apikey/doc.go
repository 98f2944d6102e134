// Package apikey answers: which program sent this request?
//
// A key is the application's prefix, an id, a secret and a checksum:
//
//	shop_4Hc0mKxq2V9Z_t7RwB1nYdLq0ZkXv3JpEs8TgUa5Wc2Mh3qY4Im
//
// [New] makes the strategy; [Keys] issues, lists and revokes keys. The application stores
// a [Key], which has the SHA-256 of the whole text in place of the secret: 190 random bits
// need no slow hash.
//
// The prefix and the checksum are for those who look for leaked keys in repositories and
// logs. [Pattern] is the regular expression to give to a scanner, such as GitHub's secret
// scanning or gitleaks; [Parse] tells a key from what merely looks like one, without a
// look-up, and names the key to revoke.
//
// The strategy works without a session and stands beside those that have one:
//
//	auth.Authenticate("session", "apikey")
package apikey
