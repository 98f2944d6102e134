package oidc

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"

	"github.com/seed-6f34412b/passport/strategy"
)

// maxForm is how much of a posted answer is read.
const maxForm = 64 << 10

// sealedParam is the parameter with a posted answer, encrypted, in the redirect that turns it
// into a GET.
const sealedParam = "sealed"

// response is the provider's answer, as the browser brings it to the callback
// (RFC 6749 §4.1.2).
type response struct {
	State string `json:"s"`
	Code  string `json:"c,omitempty"`
	Error string `json:"e,omitempty"`
	Iss   string `json:"i,omitempty"`
	User  string `json:"u,omitempty"` // Apple
}

// responseParams are the parameters that make a request a callback, and those that
// go with them.
var responseParams = []string{"state", "code", "error", "iss", "user"}

// parseResponse reads an answer from parameters; ok is false when they are none. RFC
// 6749 §3.1: parameters "MUST NOT be included more than once".
func parseResponse(v url.Values) (in response, ok bool, err error) {
	if !v.Has("code") && !v.Has("error") {
		return in, false, nil
	}
	for _, p := range responseParams {
		if len(v[p]) > 1 {
			return in, true, malformed("the callback has the parameter " + p + " more than once")
		}
	}
	in = response{State: v.Get("state"), Code: v.Get("code"), Error: v.Get("error"), Iss: v.Get("iss"), User: v.Get("user")}
	if in.State == "" || (in.Code == "") == (in.Error == "") {
		return in, true, malformed("the callback wants a state, and either a code or an error")
	}
	return in, true, nil
}

// malformed refuses a callback that no provider sends.
func malformed(reason string) error {
	return &strategy.Failure{Status: http.StatusBadRequest, Reason: reason}
}

// response returns the provider's answer in r. posted says that it came by a form; ok is
// false if there is none.
func (c *core) response(r *http.Request) (in response, posted, ok bool, err error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return in, false, true, malformed("the query string is malformed")
	}
	if c.cfg.FormPost {
		if form, is := postedForm(r); is {
			if in, ok, err = parseResponse(form); ok {
				return in, true, true, err
			}
		}
		if sealed := query.Get(sealedParam); sealed != "" {
			if !c.flows.open(sealedParam, sealed, &in) {
				return in, false, true, refuseUsed("the posted answer cannot be read, or is too old")
			}
			return in, false, true, nil
		}
	}
	in, ok, err = parseResponse(query)
	return in, false, ok, err
}

// postedForm returns the form that r carries in its body. It stays in r.PostForm.
func postedForm(r *http.Request) (url.Values, bool) {
	if r.Method != http.MethodPost {
		return nil, false
	}
	if r.PostForm == nil {
		mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || mediaType != "application/x-www-form-urlencoded" || r.ContentLength > maxForm {
			return nil, false
		}
		r.Body = http.MaxBytesReader(nil, r.Body, maxForm)
		if r.ParseForm() != nil {
			return nil, false
		}
	}
	return r.PostForm, true
}

// onward sends the browser from the posted answer to the callback by GET. A 303
// becomes a GET whatever came before (RFC 9110 §15.4.4), and to a GET on the way to a
// page the browser adds the cookies that it kept from another site's POST.
func (c *core) onward(r *http.Request, in response) error {
	sealed, err := c.flows.seal(sealedParam, in)
	if err != nil {
		return malformed("the posted answer is too long")
	}
	u, err := url.Parse(c.cfg.redirectURL(r))
	if err != nil {
		return fmt.Errorf("oidc: %s: RedirectURL: %w", c.cfg.Name, err)
	}
	q := u.Query()
	q.Set(sealedParam, sealed)
	u.RawQuery = q.Encode()
	return &strategy.Redirect{URL: u.String(), Code: http.StatusSeeOther}
}
