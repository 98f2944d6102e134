package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/oauth2"
)

// userInfo asks the userinfo endpoint. Core §5.3.2: the sub in the answer "MUST be
// verified to exactly match the sub Claim in the ID Token".
func (p *provider) userInfo(ctx context.Context, m *metadata, token *oauth2.Token, subject string) (Claims, error) {
	if m.UserInfoURL == "" {
		return nil, errors.New("the provider has no userinfo endpoint: leave Config.UserInfo out")
	}
	body, mediaType, err := get(ctx, withToken(p.cfg.HTTPClient, token), m.UserInfoURL, "application/json, application/jwt")
	if err != nil {
		return nil, fmt.Errorf("ask for the user's claims: %w", err)
	}
	if mediaType == "application/jwt" {
		if body, err = p.signedUserInfo(ctx, string(body)); err != nil {
			return nil, err
		}
	}
	var c Claims
	if err := decodeJSON(m.UserInfoURL, body, &c); err != nil {
		return nil, fmt.Errorf("ask for the user's claims: %w", err)
	}
	if c.text("sub") != subject {
		return nil, refuse("userinfo: it is about another user")
	}
	return c, nil
}

// signedUserInfo returns the claims of an answer that is a token. Core §5.3.2: "If signed, the UserInfo
// Response SHOULD contain the Claims iss (issuer) and aud (audience) as members".
func (p *provider) signedUserInfo(ctx context.Context, raw string) ([]byte, error) {
	keys := &keySet{provider: p, types: []string{"", "jwt"}}
	payload, err := keys.VerifySignature(ctx, raw)
	switch {
	case keys.outage != nil:
		return nil, keys.outage
	case err != nil:
		return nil, refuse("userinfo: " + short(err.Error()))
	}
	var c struct {
		Issuer   *string  `json:"iss"`
		Audience audience `json:"aud"`
	}
	switch err := json.Unmarshal(payload, &c); {
	case err != nil:
		return nil, refuse("userinfo: a claim has the wrong type")
	case c.Issuer != nil && !p.isIssuer(*c.Issuer):
		return nil, refuse("userinfo: another provider signed it")
	case c.Audience != nil && !slices.Contains(c.Audience, p.cfg.ClientID):
		return nil, refuse("userinfo: it is for another application")
	}
	return payload, nil
}

// audience is an aud claim: a string or a list (RFC 7519 §4.1.3).
type audience []string

// UnmarshalJSON implements [json.Unmarshaler].
func (a *audience) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(a))
}
