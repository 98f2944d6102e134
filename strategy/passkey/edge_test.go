package passkey_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/passkey"
)

// busyTable is a table that another request changes between two calls.
type busyTable struct {
	*table
	meanwhile func(*busyTable) // before each Update
	updates   int
}

func (b *busyTable) Update(ctx context.Context, c passkey.Credential, signCount uint32) (bool, error) {
	b.updates++
	b.meanwhile(b)
	return b.table.Update(ctx, c, signCount)
}

// TestUsesAtOnceAreJudgedByWhatIsStored: two tabs, or a copy of the key, log in at the same time.
func TestUsesAtOnceAreJudgedByWhatIsStored(t *testing.T) {
	for _, row := range []struct {
		name      string
		make      func(testing.TB) *authenticator
		meanwhile func(*busyTable)
		status    int
		reason    string
		count     uint32
	}{
		{"a synced passkey counts in another tab", newAuthenticator, func(b *busyTable) {
			if b.updates == 1 {
				b.rows[0].SignCount = 9
			}
		}, 200, "", 9},
		{"a copy of a key has counted further", newSecurityKey, func(b *busyTable) {
			if b.updates == 1 {
				b.rows[0].SignCount = 9
			}
		}, 401, "went back from 9 to 2", 9},
		{"the passkey was removed", newAuthenticator, func(b *busyTable) { b.rows = nil }, 401, "the passkey is not in the table", 0},
		{"a table that never updates", newAuthenticator, func(b *busyTable) { b.rows[0].SignCount++ }, 503, "does it compare with the stored one?", 5},
	} {
		t.Run(row.name, func(t *testing.T) {
			busy := &busyTable{meanwhile: row.meanwhile}
			w := newWorld(t, func(c *passkey.Config[*User]) {
				busy.table = c.Credentials.(*table)
				c.Credentials = busy
			})
			v := w.registered(row.make(t))
			a := v.logIn()
			if a.StatusCode != row.status || !strings.Contains(w.logged(), row.reason) {
				t.Errorf("got %d and the log %s, want %d and %q", a.StatusCode, w.logged(), row.status, row.reason)
			}
			if len(w.table.rows) == 1 && w.table.rows[0].SignCount != row.count {
				t.Errorf("got the counter %d, want %d", w.table.rows[0].SignCount, row.count)
			}
		})
	}
}

func TestBodiesThatBreakOff(t *testing.T) {
	w := newWorld(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, row := range []struct {
		name   string
		body   io.Reader
		ctx    context.Context
		status int // 0 for an outage
	}{
		{"in the middle", iotest.ErrReader(io.ErrUnexpectedEOF), t.Context(), http.StatusBadRequest},
		{"when the client has gone", iotest.ErrReader(io.ErrUnexpectedEOF), ended, 0},
		{"at a middleware's limit", iotest.ErrReader(&http.MaxBytesError{Limit: 1}), t.Context(), http.StatusRequestEntityTooLarge},
		{"before they begin", strings.NewReader(""), t.Context(), http.StatusBadRequest},
		{"too late", strings.NewReader(strings.Repeat(" ", 64<<10+1)), t.Context(), http.StatusRequestEntityTooLarge},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/passkey", io.MultiReader(row.body)).WithContext(row.ctx)
			r.Header.Set("Content-Type", "application/json")
			_, err := w.passkeys.Authenticate(httptest.NewRecorder(), r)
			var f *strategy.Failure
			switch {
			case err == nil:
				t.Fatal("got no error")
			case row.status == 0 && errors.Is(err, strategy.ErrUnauthenticated), row.status != 0 && (!errors.As(err, &f) || f.Status != row.status):
				t.Errorf("got %v, want %d", err, row.status)
			}
		})
	}
}

func TestALookUpWithItsErrorPassedOnIsExplained(t *testing.T) {
	w := newWorld(t)
	v := w.registered(newAuthenticator(t))
	w.table.fail(errors.New("sql: no rows in result set"))
	v.logIn().Want(t, http.StatusServiceUnavailable, "")
	if !strings.Contains(w.logged(), "Credentials.Find must return passkey.ErrUnknown") {
		t.Errorf("got the log %s, want the cure", w.logged())
	}
}

func TestAUserWhoIsNobodyIsAMistake(t *testing.T) {
	w := newWorld(t)
	v := w.registered(newAuthenticator(t))
	w.table.users[0] = nil
	v.logIn().Want(t, http.StatusInternalServerError, "")
}

// maker is a maker of authenticators: a certificate and its key.
type maker struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// certify returns a certificate of name signed by by, or a root if by is nil.
func certify(t *testing.T, name string, by *maker, edit func(*x509.Certificate)) *maker {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Version: 3, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: by == nil,
		Subject: pkix.Name{CommonName: name, Organization: []string{"Maker"}, OrganizationalUnit: []string{"Authenticator Attestation"}, Country: []string{"AA"}},
	}
	if edit != nil {
		edit(c)
	}
	parent, signer := c, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return &maker{c, key}
}

// attests makes an authenticator attest its keys with a chain of certificates, whose first one signs.
func attests(t *testing.T, by *maker, chain ...any) *authenticator {
	a := newSecurityKey(t)
	a.attest = func(data, hash []byte) (string, map[string]any) {
		sum := slices.Concat(data, hash)
		return "packed", map[string]any{"alg": -7, "sig": (&key{alg: -7, signer: by.key}).sign(t, sum), "x5c": chain}
	}
	return a
}

func TestABankAcceptsTheAuthenticatorsOfItsMakers(t *testing.T) {
	root, other := certify(t, "root", nil, nil), certify(t, "another root", nil, nil)
	between := certify(t, "intermediate", root, func(c *x509.Certificate) { c.IsCA = true })
	leaf, deep, foreign := certify(t, "leaf", root, nil), certify(t, "leaf", between, nil), certify(t, "leaf", other, nil)
	past := certify(t, "leaf", root, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	named := certify(t, "leaf", root, func(c *x509.Certificate) { // critical, as in the certificates of TPMs
		name, err := asn1.Marshal(asn1.RawValue{Class: 0, Tag: 16, IsCompound: true, Bytes: []byte{0xa4, 0x02, 0x30, 0x00}})
		if err != nil {
			t.Fatal(err)
		}
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Critical: true, Value: name}}
	})
	many := make([]any, 9)
	for i := range many {
		many[i] = leaf.cert.Raw
	}
	roots := []*x509.Certificate{root.cert}
	for _, row := range []struct {
		name   string
		roots  []*x509.Certificate
		a      *authenticator
		reason string // empty for a passkey that is accepted
	}{
		{"its maker's", roots, attests(t, leaf, leaf.cert.Raw), ""},
		{"one below an intermediate", roots, attests(t, deep, deep.cert.Raw, between.cert.Raw), ""},
		{"one that is listed itself", []*x509.Certificate{foreign.cert}, attests(t, foreign, foreign.cert.Raw), ""},
		{"one with a critical name", roots, attests(t, named, named.cert.Raw), ""},
		{"another maker's", roots, attests(t, foreign, foreign.cert.Raw), "no certificate of Policy.Roots vouches"},
		{"another maker's, with the root beside it", roots, attests(t, foreign, foreign.cert.Raw, root.cert.Raw), "no certificate of Policy.Roots vouches"},
		{"an intermediate that is missing", roots, attests(t, deep, deep.cert.Raw), "no certificate of Policy.Roots vouches"},
		{"one whose time is over", roots, attests(t, past, past.cert.Raw), "is not valid"},
		{"a signature of another key", roots, attests(t, other, leaf.cert.Raw), "is not valid"},
		{"a chain of nine", roots, attests(t, leaf, many...), "the attestation has 9 certificates"},
		{"a chain with garbage", roots, attests(t, leaf, leaf.cert.Raw, []byte{1}), "a certificate of the attestation cannot be read"},
		{"a chain with a number", roots, attests(t, leaf, leaf.cert.Raw, 7), "a certificate of the attestation cannot be read"},
		{"none", roots, newSecurityKey(t), "has no certificate"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, func(c *passkey.Config[*User]) { c.Policy.Roots = row.roots })
			row.a.t = t
			v := w.visit(row.a)
			v.byPassword(w.joe)
			a := v.register()
			if row.reason != "" {
				v.wantRefused(a, http.StatusBadRequest, row.reason)
				return
			}
			if c := w.table.rows; a.StatusCode != http.StatusCreated || len(c) != 1 || len(c[0].Attestation) == 0 || len(c[0].ClientData) == 0 {
				t.Fatalf("got %d and %d passkeys, want one with its attestation; log: %s", a.StatusCode, len(c), w.logged())
			}
			v.Post("/logout")
			v.logIn().Want(t, http.StatusOK, "done")
		})
	}
}

func TestAnUnknownPasskeyHasAText(t *testing.T) {
	w := newWorld(t)
	v := w.registered(newAuthenticator(t))
	w.table.rows = nil
	r := v.Request(http.MethodPost, "/passkey", v.get(v.options("/passkey/options")))
	r.Header.Set("Content-Type", "application/json")
	_, err := w.passkeys.Authenticate(httptest.NewRecorder(), r)
	if text := fmt.Sprint(err); !errors.Is(err, passkey.ErrUnknown) || !strings.Contains(text, "unknown passkey") {
		t.Errorf("got %q, want ErrUnknown", text)
	}
}
