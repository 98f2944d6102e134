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
// the replaced token gets the same successor that it got before, and nothing is
// written. After that it gets another successor, as long as the first was not used, and
// the first is void. So nobody is logged out by a bad line, however long it was down,
// and a family never forks.
//
// # How soon a theft is found
//
// Two who hold copies of a token cannot both go on. The first use by either is like a
// retry; from then on they hold different tokens, and the one of who came first is void.
// The family ends when that comes, which is the second change of hands at the latest,
// and at once when one of the two had used the family twice in a row before. Until then
// a thief got the access tokens of one or more uses, with their short lifetimes. With a
// negative Grace the first change of hands ends the family, and so does every answer that
// is lost.
//
// Who always comes within Grace of the owner, after the owner, is not found.
package refresh
