package strategytest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/seed-6f34412b/passport/strategy"
)

// strategyRules are rules of [strategy.Strategy] and of the types that it returns.
var strategyRules = []rule[trial]{
	{"the name by which a guard selects the strategy; not empty, constant", func(t reporter, c trial) {
		name := c.strategy.Name()
		if name == "" {
			t.Errorf("the name is empty")
		}
		for _, m := range c.all() {
			_, _ = c.ask(m.make())
			if got := c.strategy.Name(); got != name {
				t.Errorf("after %s: got the name %q, want the earlier name %q", m.kind, got, name)
			}
		}
	}},
	{"No other strategy may have one of them", func(t reporter, c trial) {
		if name := c.strategy.Name(); strategy.ReservedName(name) {
			t.Errorf("the name %q is reserved", name)
		}
	}},
	{"success(user) user, nil", func(t reporter, c trial) {
		if _, err := c.ask(c.good()); err != nil {
			t.Errorf("good credentials: got %v, want a user", err)
		}
	}},
	{"A nil pointer, map, slice, func or interface is never a user", func(t reporter, c trial) {
		for _, m := range c.all() {
			if nobody, err := c.ask(m.make()); err == nil && nobody {
				t.Errorf("%s: got a nil user and no error: refuse with an error that wraps ErrUnauthenticated", m.kind)
			}
		}
	}},
	{"absent and wrong alike", func(t reporter, c trial) {
		for _, m := range c.refusals() {
			var elsewhere *strategy.Redirect
			switch _, err := c.ask(m.make()); {
			case !errors.Is(err, strategy.ErrUnauthenticated):
				t.Errorf("%s: got %v, want an error that wraps ErrUnauthenticated", m.kind, err)
			case errors.Is(err, strategy.ErrAnonymous), errors.As(err, &elsewhere):
				t.Errorf("%s: %v is a refusal and also another kind of error", m.kind, err)
			}
		}
	}},
	{"any other error: an outage; nobody is logged in, the answer is 5xx", func(t reporter, c trial) {
		if c.outage == nil {
			return
		}
		var elsewhere *strategy.Redirect
		switch _, err := c.ask(c.outage()); {
		case err == nil:
			t.Errorf("an outage: got a user, want an error")
		case errors.Is(err, strategy.ErrUnauthenticated), errors.Is(err, strategy.ErrAnonymous), errors.As(err, &elsewhere):
			t.Errorf("an outage: %v is a refusal, ErrAnonymous or a redirect, want none of them", err)
		}
	}},
	{"writing a status or a body is a bug", func(t reporter, c trial) {
		for _, m := range c.all() {
			w := newHeadersOnly()
			if _, _ = c.authenticate(w, m.make()); w.wrote != "" {
				t.Errorf("%s: the strategy wrote %s", m.kind, w.wrote)
			}
		}
	}},
	{"It is safe for concurrent use", safeForConcurrentUse},
	{"a body that it read can be read again from its beginning", func(t reporter, c trial) {
		for _, m := range c.all() {
			r := m.make()
			sent := withBody(t, r)
			_, _ = c.ask(r)
			if got, err := io.ReadAll(r.Body); err != nil || !bytes.Equal(got, sent) {
				t.Errorf("%s: got %d bytes of the body and %v, want %d bytes and no error", m.kind, len(got), err, len(sent))
			}
		}
	}},
	{"Authenticate leaves r to the handler as it found it", func(t reporter, c trial) {
		for _, m := range c.all() {
			r := m.make()
			method, target, header := r.Method, r.URL.String(), r.Header.Clone()
			_, _ = c.ask(r)
			if r.Method != method || r.URL.String() != target || !reflect.DeepEqual(r.Header, header) {
				t.Errorf("%s: the method, the URL or a header of the request has changed", m.kind)
			}
		}
	}},
	{"No credential is in the text of an error", func(t reporter, c trial) {
		for _, m := range c.failures() {
			r := m.make()
			secrets := c.secretsOf(r)
			_, err := c.ask(r)
			if err == nil {
				continue // checked by another rule
			}
			text := err.Error()
			if f := new(strategy.Failure); errors.As(err, &f) {
				text += "\n" + f.Reason + "\n" + f.Challenge
			}
			for _, s := range secrets {
				if strings.Contains(text, s) {
					t.Errorf("%s: a credential is in the text of the error", m.kind) // and must not be in this message
				}
			}
		}
	}},
	{"4xx; 0 means 401", func(t reporter, c trial) {
		for _, f := range failuresOf(c) {
			if f.Status != 0 && (f.Status < 400 || f.Status > 499) {
				t.Errorf("%v: got the status %d, want 4xx", f, f.Status)
			}
		}
	}},
	{"0 means no Retry-After header", func(t reporter, c trial) {
		for _, f := range failuresOf(c) {
			if f.RetryAfter < 0 {
				t.Errorf("%v: got RetryAfter %v, want 0 or more", f, f.RetryAfter)
			}
		}
	}},
	{"a WWW-Authenticate value of one challenge (RFC 9110 §11.3)", func(t reporter, c trial) {
		for _, f := range failuresOf(c) {
			if f.Challenge != "" && !isChallenge(f.Challenge) {
				t.Errorf("%v: the challenge %q is not one of RFC 9110 §11.3", f, f.Challenge)
			}
		}
	}},
	{"3xx; 0 means 302 Found", func(t reporter, c trial) {
		if c.redirect == nil {
			return
		}
		_, err := c.ask(c.redirect())
		var to *strategy.Redirect
		switch {
		case !errors.As(err, &to):
			t.Errorf("a redirect: got %v, want a *Redirect", err)
		case errors.Is(err, strategy.ErrUnauthenticated):
			t.Errorf("a redirect: %v is also a refusal, which takes precedence", err)
		case to.URL == "" || to.Code != 0 && (to.Code < 300 || to.Code > 399):
			t.Errorf("a redirect: got the code %d and the URL %q, want 3xx and a URL", to.Code, to.URL)
		}
	}},
	{"the log-in that the strategy is about to return", func(t reporter, c trial) {
		for _, m := range c.failures() {
			var info strategy.Info
			r := m.make()
			_, _ = c.ask(r.WithContext(strategy.WithInfo(r.Context(), &info)))
			if !reflect.ValueOf(info).IsZero() {
				t.Errorf("%s: the strategy reported a log-in and returned an error", m.kind)
			}
		}
	}},
	{"where the flow wants to end; a local path", func(t reporter, c trial) {
		var info strategy.Info
		r := c.good()
		_, _ = c.ask(r.WithContext(strategy.WithInfo(r.Context(), &info)))
		if to := info.ReturnTo; to != "" && (to[0] != '/' || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\t\r\n")) {
			t.Errorf("reported the ReturnTo %q, want a local path", to)
		}
	}},
	{"The answer about one request is the same whenever it is asked", func(t reporter, c trial) {
		for _, m := range c.all() {
			r := m.make()
			before := c.allows(r)
			_, _ = c.ask(r)
			if after := c.allows(r); after != before {
				t.Errorf("%s: AllowCrossSite says %t before Authenticate and %t after", m.kind, before, after)
			}
		}
	}},
	{"false when r brings no credentials that Authenticate would look at", func(t reporter, c trial) {
		if c.claimant == nil {
			return
		}
		claims := func(kind string, r *http.Request, want bool) {
			if _, ok, err := c.claimant.Claims(r); ok != want || err != nil {
				t.Errorf("%s: Claims says %t, %v, want %t and no error", kind, ok, err, want)
			}
		}
		claims("good credentials", c.good(), true)
		if f := (*strategy.Failure)(nil); !errors.As(second(c.ask(c.wrong())), &f) || f.Status == 0 || f.Status == http.StatusUnauthorized {
			claims("wrong credentials", c.wrong(), true) // with another status they may be malformed
		}
		if c.absent != nil {
			claims("no credentials", c.absent(), false)
		}
	}},
	{"brought credentials of this kind that cannot be read", func(t reporter, c trial) {
		if c.claimant == nil || c.absent == nil {
			return
		}
		if f := (*strategy.Failure)(nil); errors.As(second(c.ask(c.absent())), &f) && f.Malformed {
			t.Errorf("no credentials: got a Failure with Malformed, want none")
		}
	}},
	{"r can be read afterwards as before", func(t reporter, c trial) {
		if c.claimant == nil {
			return
		}
		for _, m := range c.all() {
			r := m.make()
			sent := withBody(t, r)
			_, _, _ = c.claimant.Claims(r)
			if got, err := io.ReadAll(r.Body); err != nil || !bytes.Equal(got, sent) {
				t.Errorf("%s: after Claims got %d bytes of the body and %v, want %d bytes and no error", m.kind, len(got), err, len(sent))
			}
		}
	}},
}

func second(_ bool, err error) error { return err }

// safeForConcurrentUse: good and wrong credentials at the same time get the same answers as one by one.
func safeForConcurrentUse(t reporter, c trial) {
	const each = 8
	start := make(chan struct{})
	var wg sync.WaitGroup
	for range each {
		good, wrong := c.good(), c.wrong()
		wg.Go(func() {
			<-start
			if _, err := c.ask(good); err != nil {
				t.Errorf("good credentials at the same time as others: got %v, want a user", err)
			}
		})
		wg.Go(func() {
			<-start
			if _, err := c.ask(wrong); !errors.Is(err, strategy.ErrUnauthenticated) {
				t.Errorf("wrong credentials at the same time as others: got %v, want a refusal", err)
			}
			c.strategy.Name()
		})
	}
	close(start)
	wg.Wait()
}

// failuresOf returns the refusals with more information than ErrUnauthenticated.
func failuresOf(c trial) (list []*strategy.Failure) {
	for _, m := range c.refusals() {
		_, err := c.ask(m.make())
		var f *strategy.Failure
		if errors.As(err, &f) {
			list = append(list, f)
		}
	}
	return list
}

// withBody returns the body of r; if r has none, it gives r one for the handler.
func withBody(t reporter, r *http.Request) []byte {
	t.Helper()
	if r.Body == nil || r.Body == http.NoBody {
		text := []byte("for the handler")
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
		r.Header.Set("Content-Type", "text/plain")
		return text
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatalf("StrategyCase: a request's body: %v", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body
}

// shortestSecret is the smallest length of a header's value that counts as a secret: shorter ones occur in
// any text.
const shortestSecret = 6

// secretsOf lists what an error about r must not contain.
func (c trial) secretsOf(r *http.Request) []string {
	list := slices.Clip(c.secrets)
	for _, value := range r.Header.Values("Authorization") {
		_, token, _ := strings.Cut(value, " ")
		list = append(list, token)
	}
	for _, cookie := range r.Cookies() {
		list = append(list, cookie.Value)
	}
	secrets := list[:0:0]
	for i, s := range list {
		if i < len(c.secrets) && s != "" || len(s) >= shortestSecret {
			secrets = append(secrets, s)
		}
	}
	return secrets
}
