package oidc

import (
	"encoding/json"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// Identity is who the provider says the user is. Issuer and Subject together are the
// user's key with the provider, for ever; everything else may change, and only they
// were promised to be unique.
type Identity struct {
	Issuer  string `json:"iss"`
	Subject string `json:"sub"`

	// Email is what the provider knows. To find an account of one's own by it lets
	// whoever controls an address at any provider take that account over; if it must
	// be, only with EmailVerified and a provider that is authoritative for the address.
	Email         string `json:"email,omitempty"`
	EmailVerified bool   `json:"email_verified,omitempty"`
	Name          string `json:"name,omitempty"`
	Username      string `json:"preferred_username,omitempty"` // may change hands
	Picture       string `json:"picture,omitempty"`            // a URL

	SessionID string    `json:"sid,omitempty"`       // the provider's session
	AuthTime  time.Time `json:"auth_time,omitzero"`  // when the provider saw credentials; zero if it does not say
	ACR       string    `json:"acr,omitempty"`       // the authentication context
	AMR       []string  `json:"amr,omitempty"`       // the authentication methods
	Posted    string    `json:"posted,omitempty"`    // the form field "user", in which Apple sends the name once; not signed
	Claims    Claims    `json:"claims,omitempty"`    // of the ID token, verified, or the profile of plain OAuth 2.0
	UserInfo  Claims    `json:"user_info,omitempty"` // of the userinfo endpoint, if Config.UserInfo is set

	// Tokens are for calls to the provider's API. They are not part of the JSON form, so
	// that an Identity in a session leaves them out.
	Tokens Tokens `json:"-"`
}

// Claims are the members of a JSON object, undecoded: json.Unmarshal(id.Claims["groups"], &groups).
type Claims map[string]json.RawMessage

// text returns the string claim of that name, or "".
func (c Claims) text(name string) string {
	var s string
	if json.Unmarshal(c[name], &s) != nil {
		return ""
	}
	return s
}

// isTrue reports whether the claim is true. Apple and Amazon send the string.
func (c Claims) isTrue(name string) bool {
	v := string(c[name])
	return v == "true" || v == `"true"`
}

// describe sets the fields that describe the user from the claims that are in c.
func (id *Identity) describe(c Claims) {
	for _, f := range []struct {
		field *string
		claim string
	}{{&id.Name, "name"}, {&id.Username, "preferred_username"}, {&id.Picture, "picture"}} {
		if v := c.text(f.claim); v != "" {
			*f.field = v
		}
	}
	if v := c.text("email"); v != "" {
		id.Email, id.EmailVerified = v, c.isTrue("email_verified")
	}
}

// Tokens are what the provider gave this application for one user. They are never printed:
// whoever has them can call the provider's API as the user.
type Tokens struct {
	Access  string
	Type    string    // "Bearer", mostly
	Refresh string    // empty if none was asked for
	ID      string    // the ID token as it came, for LogOut.IDTokenHint; empty for plain OAuth 2.0
	Expiry  time.Time // of Access; zero if the provider does not say
	Scopes  []string  // what was granted; nil if the provider does not say, which means all that was asked for
}

const concealed = "oidc.Tokens(concealed)"

// String implements [fmt.Stringer] without the tokens.
func (Tokens) String() string { return concealed }

// GoString implements [fmt.GoStringer] without the tokens.
func (Tokens) GoString() string { return concealed }

// LogValue implements [slog.LogValuer] without the tokens.
func (Tokens) LogValue() slog.Value { return slog.StringValue(concealed) }

// OAuth2 returns the tokens in the form that golang.org/x/oauth2 uses.
func (t Tokens) OAuth2() *oauth2.Token {
	return &oauth2.Token{AccessToken: t.Access, TokenType: t.Type, RefreshToken: t.Refresh, Expiry: t.Expiry}
}

func tokensOf(t *oauth2.Token) Tokens {
	id, _ := t.Extra("id_token").(string)
	tokens := Tokens{Access: t.AccessToken, Type: t.Type(), Refresh: t.RefreshToken, ID: id, Expiry: t.Expiry}
	// RFC 6749 §3.3 parts scopes by spaces; GitHub does it by commas.
	if s, _ := t.Extra("scope").(string); s != "" {
		tokens.Scopes = strings.FieldsFunc(s, func(c rune) bool { return c == ' ' || c == ',' })
	}
	return tokens
}
