package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

// exchange redeems the code at the token endpoint. A code that the provider refuses is a
// refusal; any other error is an outage.
func (c *core) exchange(ctx context.Context, code string, f *flow) (*oauth2.Token, error) {
	client, err := c.backend.client(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.cfg.authorize(ctx, client); err != nil {
		return nil, err
	}
	if f.Redirect != "" {
		client.RedirectURL = f.Redirect // RFC 6749 §4.1.3: that of the authorization request
	}
	token, err := client.Exchange(ctx, code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return nil, exchangeError(ctx, err)
	}
	return token, nil
}

// authorize gives client the client secret, if there is one.
func (c *Config) authorize(ctx context.Context, client *oauth2.Config) (err error) {
	if c.SecretFunc == nil {
		return nil
	}
	if client.ClientSecret, err = c.SecretFunc(ctx); err != nil {
		return fmt.Errorf("make the client secret: %w", err)
	}
	return nil
}

// configErrors are the error codes of a token endpoint (RFC 6749 §5.2, and GitHub's own) that mean
// that this application is configured wrongly.
var configErrors = []string{
	"invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
	"incorrect_client_credentials", "redirect_uri_mismatch",
}

// exchangeError returns err with only what may be logged: the library's own text contains the
// provider's whole answer.
func exchangeError(ctx context.Context, err error) error {
	var answered *oauth2.RetrieveError
	if errors.As(err, &answered) {
		status, code := answered.Response.StatusCode, printable(answered.ErrorCode)
		text := fmt.Sprintf("the token endpoint answered status %d", status)
		if code != "" {
			text += ", " + code
		}
		// GitHub refuses codes with status 200.
		if (status == http.StatusBadRequest || status == http.StatusOK) && !slices.Contains(configErrors, code) {
			return refuse(text)
		}
		return errors.New(text)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("the token endpoint did not answer in time: %w", ctx.Err())
	}
	if text := err.Error(); strings.HasPrefix(text, "oauth2: ") && !strings.HasPrefix(text, "oauth2: cannot fetch token") {
		return errors.New("the token endpoint answered without a token")
	}
	return err
}

// answered returns the error for an error that the authorization endpoint sent.
// RFC 6749 §4.1.2.1 has server_error and temporarily_unavailable for outages.
func (c *core) answered(code string) error {
	code = printable(code)
	if code == "server_error" || code == "temporarily_unavailable" {
		return c.broken("log in", errors.New("the provider answered "+code))
	}
	return refuse("the provider answered " + code)
}

// printable returns code if it has the form of an error code (RFC 6749 §5.2).
func printable(code string) string {
	bad := func(c rune) bool { return c < 0x21 || c > 0x7e || c == '"' || c == '\\' }
	if code != "" && (len(code) > 64 || strings.ContainsFunc(code, bad)) {
		return "an error without a name"
	}
	return code
}
