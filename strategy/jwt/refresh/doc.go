// Package refresh answers: may this client have another short-lived token?
//
// A refresh token is issued at log-in together with an access token, and exchanged for
// a new pair when that has expired. It is used once: [Tokens.Rotate] replaces it. All
// tokens of one log-in are a family. A token that was replaced before means that it was
// stolen or leaked; which holder is the thief cannot be told, so the whole family ends
// (RFC 9700 §4.14.2).
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
// the first is void. So a bad connection logs nobody out, however long it was down, and
// a family never forks.
//
// # How soon a theft is found
//
// Two holders of copies of a token cannot both continue. The first use by the second
// holder is like a retry; then they have different tokens, and that of the first is void.
// When it is used, the family ends. That is the second change of hands at the latest, and
// the first if one of them has used the family twice in a row. Until then a thief gets
// access tokens of short lifetimes. With a negative Grace the first change of hands ends
// the family, and so does every lost answer.
//
// A thief who always comes within Grace after the owner is not found.
package refresh
