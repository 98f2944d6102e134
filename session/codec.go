package session

import (
	"fmt"
	"slices"

	"github.com/seed-6f34412b/passport/internal/cookies"
)

// Codec is how a session's id becomes the value of a cookie and back. [SecureCookie],
// [Express] and [InsecureExpress] make one; others cannot be implemented, since a codec
// decides which ids are looked up in the store.
//
// A Codec is immutable and safe for concurrent use. It reveals no secret when
// printed. Mistakes in its secrets are reported by [New].
type Codec interface {
	codec() cookies.Codec
}

// sealed is the only implementation of Codec.
type sealed struct{ of cookies.Codec }

func (s sealed) codec() cookies.Codec { return s.of }

// SecureCookie returns the Codec of github.com/gorilla/securecookie: the id, the
// time of signing and an HMAC-SHA256 over both and the cookie's name. A value that
// was signed for one cookie is refused under another name. The first secret signs,
// all of them verify; each must have at least 32 bytes. To replace one while several
// processes run: (old, new) everywhere, then (new, old), then (new).
//
// The time is not checked: the store knows how long a session lives, so that library's
// own limit of 30 days does not apply. The id is signed, not encrypted.
func SecureCookie(secrets ...string) Codec { return sealed{cookies.SecureCookie(secrets...)} }

// Express returns the Codec of express-session: the value is "s:", the id, "." and its
// HMAC-SHA256 in base64, all percent-encoded. With it and the same secret, Go and Node
// accept each other's cookies. The first secret signs, all of them verify, in the order
// of express-session's array option secret.
//
// A secret is used as its UTF-8 bytes, as Node does; each must have at least 32
// (see [InsecureExpress]). Values are read as cookie 0.7 writes them and also
// unescaped, as cookie 2 does. The signature does not cover the cookie's name: an
// application with two such cookies needs two secrets.
//
// cookie-signature 1.0.7, index.js:16; express-session 1.19.0, index.js:544, 670.
func Express(secrets ...string) Codec { return sealed{cookies.Express(secrets...)} }

// InsecureExpress is [Express] for secrets shorter than 32 bytes, which a Node
// application may have and must keep while its sessions live. Somebody who guesses a
// secret can sign ids, but cannot guess one that the store has. An empty secret is
// refused too.
func InsecureExpress(secrets ...string) Codec { return sealed{cookies.InsecureExpress(secrets...)} }

// checkCodec returns the mistakes in the secrets of c.
func checkCodec(c Codec) (errs []error) {
	for _, err := range c.codec().Check() {
		errs = append(errs, fmt.Errorf("session: %w", err))
	}
	return errs
}

// accepted is a cookie by which sessions are found.
type accepted struct {
	name    string
	codec   cookies.Codec
	line    *cookies.Line
	read    bool // an earlier entry has the same name and codec, so the value is read already
	reissue bool
}

// accept returns the cookies by which sessions are found, the primary one first.
func (c *Config) accept() ([]accepted, error) {
	primary := c.primary()
	var all []accepted
	for _, a := range append([]Accept{primary}, c.AlsoAccept...) {
		attrs := c.attributes(&a)
		line, err := cookies.NewLine(attrs)
		if err != nil {
			return nil, fmt.Errorf("session: internal error: %w", err) // complete has checked it
		}
		codec := a.Codec.codec()
		read := slices.ContainsFunc(all, func(b accepted) bool { return b.name == a.Name && b.codec == codec })
		all = append(all, accepted{a.Name, codec, line, read, a.Reissue})
	}
	return all, nil
}

// primary returns the cookie that is sent.
func (c *Config) primary() Accept {
	return Accept{Name: c.Name, Codec: c.Codec, Domain: c.Domain, Path: c.Path, Partitioned: c.Partitioned}
}

// attributes returns the attributes of the cookie a: its own scope, and otherwise those of c.
func (c *Config) attributes(a *Accept) cookies.Attributes {
	return cookies.Attributes{
		Name: a.Name, Domain: a.Domain, Path: a.Path, Partitioned: a.Partitioned,
		Priority: c.Priority, HTTPOnly: !c.ScriptReadable, Secure: !c.InsecureHTTP, SameSite: c.SameSite,
		MaxAge: a.Codec != nil && a.Codec.codec().Kind() != cookies.KindExpress, // exactly as express-session sets it
	}
}
