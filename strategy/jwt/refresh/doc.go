// Package refresh answers: may this client have another short-lived token?
//
// A refresh token is issued at log-in together with an access token, and exchanged for
// a new pair when that has expired. It is used once: [Tokens.Rotate] replaces it. All
// tokens of one log-in are a family. If somebody shows a token that was replaced, two
// parties hold it. Which is the thief cannot be told, so the whole family ends (RFC 9700
// §4.14.2).
//
//	tokens, err := refresh.New(refresh.Config{Cells: cells})
//	first, err := tokens.Issue(ctx, refresh.Grant{Subject: "1", AuthTime: time.Now()})
//	grant, second, err := tokens.Rotate(ctx, first)
//
// A family is one cell of a [strategy.Cells], changed by compare-and-swap: if two use a
// token at once, exactly one replaces it. The cell and its key hold only hashes: nothing in
// the database can be used as a token.
//
// # Lost answers
//
// An exchange may be sent twice: two tabs refresh at once, or the answer is lost and the
// client asks again with the old token. For Config.Grace after a rotation the replaced
// token gets the same successor again, and nothing is written. After that it gets a new
// successor, as long as the first was not used, and the first becomes void. So a bad
// connection logs nobody out, however long it was down, and a family has one current
// token at any time.
//
// # How soon a theft is found
//
// Two holders of the same token cannot both go on. The first use by the second holder
// looks like a retry. Then the two have different tokens, and that of the first holder is
// void: when it is used, the family ends. So a theft is found at the latest when the use
// has changed from one holder to the other twice, and at the first change if one of them
// has used the family twice in a row. Until then a thief gets access tokens with short
// lifetimes. With a negative Grace the first change ends the family, and so does every lost
// answer.
//
// A thief who always comes within Grace after the owner is not found.
package refresh
