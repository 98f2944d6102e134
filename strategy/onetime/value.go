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
	text, err := o.Redeem(ctx, sent)
	if err != nil {
		var none T
		return none, err
	}
	return valueOf[T](text)
}

// UseValue is [Tokens.Use] for a token of IssueValue, with the same T. A token whose value is not the JSON of a
// T is put back, and the error is an outage.
func UseValue[T any](ctx context.Context, o *Tokens, sent string, work func(v T) error) error {
	return o.Use(ctx, sent, func(text string) error {
		v, err := valueOf[T](text)
		if err != nil {
			return err
		}
		return work(v)
	})
}

// FindValue returns the find for [NewMagicLink] whose links are tokens of IssueValue, with the same T.
func FindValue[T, U any](find func(ctx context.Context, v T) (U, error)) func(context.Context, string) (U, error) {
	return func(ctx context.Context, text string) (U, error) {
		v, err := valueOf[T](text)
		if err != nil {
			var nobody U
			return nobody, err
		}
		return find(ctx, v)
	}
}

func valueOf[T any](text string) (T, error) {
	var v, none T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return none, fmt.Errorf("onetime: redeem: the token stands for something else: %w", err)
	}
	return v, nil
}
