package oidc

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// leeway is how much the provider's clock and ours may differ.
const leeway = time.Minute

// idClaims are the claims of an ID token that are checked here (Core §2).
type idClaims struct {
	Issuer          string          `json:"iss"`
	Subject         string          `json:"sub"`
	AuthorizedParty string          `json:"azp"`
	IssuedAt        json.Number     `json:"iat"`
	AuthTime        json.Number     `json:"auth_time"`
	ACR             string          `json:"acr"`
	AMR             json.RawMessage `json:"amr"`
	SessionID       string          `json:"sid"`
	Tenant          string          `json:"tid"`
}

// identify implements backend: OpenID Connect Core §3.1.3.3 to §3.1.3.8.
func (p *provider) identify(ctx context.Context, f *flow, token *oauth2.Token) (id Identity, labels []string, err error) {
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return id, nil, errors.New("the token endpoint answered without an ID token")
	}
	if token.Type() != "Bearer" {
		return id, nil, errors.New("the token endpoint answered with a token that is not a bearer token")
	}
	m, err := p.meta.Get(ctx)
	if err != nil {
		return id, nil, err
	}
	keys := &keySet{provider: p, types: []string{"", "jwt"}}
	t, err := verified(p, m, keys, func(v *gooidc.IDTokenVerifier) (*gooidc.IDToken, error) {
		return v.Verify(ctx, raw)
	})
	if err != nil {
		return id, nil, err
	}
	var c idClaims
	if err := errors.Join(t.Claims(&c), t.Claims(&id.Claims)); err != nil {
		return id, nil, refuse("ID token: a claim has the wrong type")
	}
	if err := p.checkClaims(t, &c, f); err != nil {
		return id, nil, err
	}
	if t.AccessTokenHash != "" && !keys.hashes(t, token.AccessToken) {
		return id, nil, refuse("ID token: the access token beside it belongs to another (at_hash)")
	}
	id.Issuer, id.Subject, id.SessionID, id.ACR = p.cfg.Issuer, c.Subject, c.SessionID, c.ACR
	if p.cfg.IssuerTemplate != "" {
		id.Issuer = c.Issuer
	}
	id.AuthTime, _ = unix(c.AuthTime)
	_ = json.Unmarshal(c.AMR, &id.AMR) // some providers send a string; then there is none
	id.describe(id.Claims)
	if p.cfg.UserInfo {
		if id.UserInfo, err = p.userInfo(ctx, m, token, c.Subject); err != nil {
			return id, nil, err
		}
		id.describe(id.UserInfo)
	}
	return id, p.labels(m, &id), nil
}

// verified runs go-oidc's verification of an ID token or a log-out token, and tells
// an outage from a bad token.
func verified[T any](p *provider, m *metadata, keys *keySet, verify func(*gooidc.IDTokenVerifier) (*T, error)) (*T, error) {
	algs, err := p.algorithms(m)
	if err != nil {
		return nil, err
	}
	t, err := verify(gooidc.NewVerifier(p.cfg.Issuer, keys, &gooidc.Config{
		ClientID:             p.cfg.ClientID,
		SupportedSigningAlgs: algs,
		SkipIssuerCheck:      p.cfg.IssuerTemplate != "", // checkClaims does it
		Now:                  func() time.Time { return time.Now().Add(-leeway) },
	}))
	switch {
	case keys.outage != nil:
		return nil, keys.outage
	case err != nil:
		return nil, refuse("token: " + short(err.Error()))
	}
	return t, nil
}

// short returns the beginning of a text that quotes the token, for the log.
func short(text string) string { return text[:min(len(text), 300)] }

// algorithms returns the signatures that an ID token may have.
func (p *provider) algorithms(m *metadata) ([]string, error) {
	announced := m.Algorithms
	if len(announced) == 0 {
		announced = []string{"RS256"} // Core §15.1: every provider has it
	}
	var both []string
	for _, a := range p.cfg.accepted() {
		if a == algHS256 || slices.Contains(announced, a) {
			both = append(both, a)
		}
	}
	if len(both) == 0 {
		return nil, fmt.Errorf("the provider signs with none of the algorithms that are accepted: it announces %q", announced)
	}
	return both, nil
}

// checkClaims makes the checks of Core §3.1.3.7 that go-oidc leaves to its caller.
func (p *provider) checkClaims(t *gooidc.IDToken, c *idClaims, f *flow) error {
	now := time.Now()
	if p.cfg.IssuerTemplate != "" {
		if tenant, ok := p.tenant(c.Issuer); !ok || tenant != c.Tenant {
			return refuse("ID token: the issuer is no tenant of the provider")
		}
	}
	// Core §2: sub "MUST NOT exceed 255 ASCII characters".
	if c.Subject == "" || len(c.Subject) > 255 {
		return refuse("ID token: the subject is missing or too long")
	}
	for _, a := range t.Audience {
		if a != p.cfg.ClientID && !slices.Contains(p.cfg.TrustedAudiences, a) {
			return refuse("ID token: it is for another application too, which is not in Config.TrustedAudiences")
		}
	}
	if c.AuthorizedParty != p.cfg.ClientID && (c.AuthorizedParty != "" || len(t.Audience) > 1) {
		return refuse("ID token: it was issued to another application (azp)")
	}
	issued, ok := unix(c.IssuedAt)
	if !ok || issued.After(now.Add(leeway)) {
		return refuse("ID token: its time of issue is missing or in the future")
	}
	if subtle.ConstantTimeCompare([]byte(t.Nonce), []byte(f.Nonce)) != 1 {
		return refuse("ID token: the nonce is not that of this log-in")
	}
	if f.MaxAge > 0 {
		at, ok := unix(c.AuthTime)
		if !ok || at.After(now.Add(leeway)) || now.Sub(at) > f.MaxAge+leeway {
			return refuse("ID token: the provider saw the user's credentials too long ago, or does not say when (auth_time)")
		}
	}
	if len(p.cfg.ACRValues) > 0 && !slices.Contains(p.cfg.ACRValues, c.ACR) {
		return refuse("ID token: the user was authenticated in another way than was asked for (acr)")
	}
	return nil
}

// unix reads a NumericDate (RFC 7519 §2), which may have a fraction.
func unix(n json.Number) (time.Time, bool) {
	f, err := n.Float64()
	if err != nil || f <= 0 || f > 1<<40 {
		return time.Time{}, false
	}
	return time.Unix(int64(f), 0), true
}

// labels returns the labels by which a back-channel log-out finds the session.
func (p *provider) labels(m *metadata, id *Identity) []string {
	if !m.LogsOut {
		return nil
	}
	labels := []string{p.subjectLabel(id.Issuer, id.Subject)}
	if id.SessionID != "" {
		labels = append(labels, p.sessionLabel(id.Issuer, id.SessionID))
	}
	return labels
}

// A guard's own labels, a session key and a user's JSON, cannot have the form of these.
func (p *provider) subjectLabel(issuer, subject string) string {
	return "oidc:sub:" + hashed(issuer, p.cfg.ClientID, subject)
}

func (p *provider) sessionLabel(issuer, sid string) string {
	return "oidc:sid:" + hashed(issuer, p.cfg.ClientID, sid)
}
