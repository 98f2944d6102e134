package onetime

import (
	"context"
	"encoding/json"
	"fmt"
)

// IssueValue is [Tokens.Issue] with a value in place of the user's id, such as a struct with the id and the
// address to which the link is mailed. v is kept as JSON. An error may also be that of [json.Marshal].
func IssueValue[T any](ctx context.Context, o *Tokens, v T) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("onetime: issue: %w", err)
	}
	return o.Issue(ctx, string(b))
}

// RedeemValue is [Tokens.Redeem] for a token of IssueValue, with the same T. A token whose value is not the JSON
// of a T is used up, and the error is an outage. JSON does not tell one struct from another: give the tokens of
// each T a Config.Purpose of their own.
func RedeemValue[T any](ctx context.Context, o *Tokens, sent string) (T, error) {
	var v, none T
	text, err := o.Redeem(ctx, sent)
	if err != nil {
		return none, err
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return none, fmt.Errorf("onetime: redeem: the token stands for something else: %w", err)
	}
	return v, nil
}
