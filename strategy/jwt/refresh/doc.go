// Package refresh answers: may this client have another short-lived token?
//
// A refresh token is handed out at log-in beside an access token, and exchanged for a
// new pair when that has expired. It is used once: [Tokens.Rotate] replaces it. All
// that follow from one log-in are a family; when one comes that was replaced before,
// it was stolen or leaked, nobody can tell which holder is the thief, and the whole
// family ends (RFC 9700 §4.14.2).
//
//	tokens, err := refresh.New(refresh.Config{Cells: cells})
//	first, err := tokens.Issue(ctx, refresh.Grant{Subject: "1", AuthTime: time.Now()})
//	grant, second, err := tokens.Rotate(ctx, first)
//
// A family is one cell of a [strategy.Cells], changed by compare-and-swap, so that of
// two that use a token at once exactly one replaces it. The cell and its key hold
// hashes: nothing in the database can be used as a token.
//
// # Lost answers
//
// The exchange may run twice: two tabs refresh at once, or the answer is lost on the
// way and the client asks again with the old token. For Config.Grace after a rotation
// the replaced token still gets an answer: the same successor that it got before, and
// nothing is written. So nobody is logged out by a bad line, and a family never forks.
package refresh
