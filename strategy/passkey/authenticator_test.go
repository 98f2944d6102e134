package passkey_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math/big"
	"slices"
	"testing"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
)

// The flags of authenticator data, Level 3 §6.1.
const (
	present, verified, eligible, backedUp, attested = 1, 4, 8, 16, 64
)

// authenticator is a software authenticator with its browser: it answers the options of a ceremony with
// what a page would get from toJSON. Each field can be changed to make a wrong answer.
type authenticator struct {
	t      testing.TB
	origin string
	rpID   string // empty means that of the options
	alg    int    // the algorithm of new keys; 0 means ES256
	aaguid [16]byte
	flags  byte
	count  uint32 // the signature counter; 0 stays 0
	keys   []*key

	// Changes of an answer before it is signed, and after.
	client func(map[string]any)
	data   func([]byte) []byte
	object func(map[string]any)
	attest func(data, clientDataHash []byte) (format string, statement map[string]any)
	json   func(map[string]any)
}

// key is a passkey in an authenticator.
type key struct {
	id, handle []byte
	alg        int
	signer     crypto.Signer
}

func newAuthenticator(t testing.TB) *authenticator {
	return &authenticator{t: t, origin: origin, flags: present | verified | eligible | backedUp}
}

// newSecurityKey returns an authenticator whose keys cannot leave it, and that counts signatures.
func newSecurityKey(t testing.TB) *authenticator {
	return &authenticator{t: t, origin: origin, flags: present | verified, count: 1}
}

// options are the common members of the two kinds of options.
type options struct {
	Challenge string `json:"challenge"`
	RPID      string `json:"rpId"`
	RP        struct {
		ID string `json:"id"`
	} `json:"rp"`
	User struct {
		ID string `json:"id"`
	} `json:"user"`
	Allow   []descriptor `json:"allowCredentials"`
	Exclude []descriptor `json:"excludeCredentials"`
}

type descriptor struct {
	ID string `json:"id"`
}

func (a *authenticator) parse(text string) (o options) {
	a.t.Helper()
	if err := json.Unmarshal([]byte(text), &o); err != nil || o.Challenge == "" {
		a.t.Fatalf("got the options %s: %v", text, err)
	}
	if o.RPID == "" {
		o.RPID = o.RP.ID
	}
	if a.rpID != "" {
		o.RPID = a.rpID
	}
	return o
}

func newKey(t testing.TB, alg int) *key {
	t.Helper()
	k := &key{id: make([]byte, 20), alg: alg}
	_, _ = rand.Read(k.id)
	var err error
	switch alg {
	case -8:
		_, k.signer, err = ed25519.GenerateKey(rand.Reader)
	case -257:
		k.signer, err = rsa.GenerateKey(rand.Reader, 2048)
	case -35:
		k.signer, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	default:
		k.signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// cose returns the public key as COSE.
func (k *key) cose(t testing.TB) []byte {
	t.Helper()
	var m map[int]any
	switch public := k.signer.Public().(type) {
	case ed25519.PublicKey:
		m = map[int]any{1: 1, 3: -8, -1: 6, -2: []byte(public)}
	case *rsa.PublicKey:
		m = map[int]any{1: 3, 3: -257, -1: public.N.Bytes(), -2: big.NewInt(int64(public.E)).Bytes()}
	case *ecdsa.PublicKey:
		point, err := public.Bytes() // 4, X and Y
		if err != nil {
			t.Fatal(err)
		}
		half := (len(point) - 1) / 2
		m = map[int]any{1: 2, 3: k.alg, -1: map[int]int{32: 1, 48: 2}[half], -2: point[1 : 1+half], -3: point[1+half:]}
	}
	return cbor(t, m)
}

func (k *key) sign(t testing.TB, message []byte) []byte {
	t.Helper()
	var hash crypto.Hash
	switch k.alg {
	case -8: // EdDSA signs the message itself
	case -35:
		hash = crypto.SHA384
	default:
		hash = crypto.SHA256
	}
	if hash != 0 {
		h := hash.New()
		h.Write(message)
		message = h.Sum(nil)
	}
	signature, err := k.signer.Sign(rand.Reader, message, hash)
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

func cbor(t testing.TB, v any) []byte {
	t.Helper()
	text, err := webauthncbor.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func unb64(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (a *authenticator) clientData(ceremony, challenge string) []byte {
	a.t.Helper()
	c := map[string]any{"type": ceremony, "challenge": challenge, "origin": a.origin, "crossOrigin": false}
	if a.client != nil {
		a.client(c)
	}
	text, err := json.Marshal(c)
	if err != nil {
		a.t.Fatal(err)
	}
	return text
}

// authData returns authenticator data, with the attested key of a registration.
func (a *authenticator) authData(rpID string, k *key) []byte {
	a.t.Helper()
	sum := sha256.Sum256([]byte(rpID))
	flags := a.flags
	if k != nil {
		flags |= attested
	}
	d := binary.BigEndian.AppendUint32(append(sum[:], flags), a.count)
	if k != nil {
		d = append(d, a.aaguid[:]...)
		d = binary.BigEndian.AppendUint16(d, uint16(len(k.id))) //nolint:gosec // 20 bytes
		d = append(append(d, k.id...), k.cose(a.t)...)
	}
	if a.data != nil {
		d = a.data(d)
	}
	return d
}

func (a *authenticator) finish(k *key, response map[string]any) string {
	a.t.Helper()
	answer := map[string]any{
		"id": b64(k.id), "rawId": b64(k.id), "type": "public-key", "authenticatorAttachment": "platform",
		"clientExtensionResults": map[string]any{}, "response": response,
	}
	if a.json != nil {
		a.json(answer)
	}
	text, err := json.Marshal(answer)
	if err != nil {
		a.t.Fatal(err)
	}
	return string(text)
}

// create answers the options of a registration.
func (a *authenticator) create(optionsJSON string) string {
	a.t.Helper()
	o := a.parse(optionsJSON)
	alg := a.alg
	if alg == 0 {
		alg = -7
	}
	k := newKey(a.t, alg)
	k.handle = unb64(a.t, o.User.ID)
	for _, there := range a.keys {
		if slices.Contains(o.Exclude, descriptor{b64(there.id)}) {
			a.t.Fatal("InvalidStateError: the authenticator has one of excludeCredentials")
		}
	}
	a.keys = append(a.keys, k)
	data, client := a.authData(o.RPID, k), a.clientData("webauthn.create", o.Challenge)
	object := map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data}
	if a.attest != nil {
		sum := sha256.Sum256(client)
		object["fmt"], object["attStmt"] = a.attest(data, sum[:])
	}
	if a.object != nil {
		a.object(object)
	}
	return a.finish(k, map[string]any{
		"clientDataJSON": b64(client), "attestationObject": b64(cbor(a.t, object)),
		"transports": []string{"internal", "hybrid"},
	})
}

// get answers the options of a log-in with the last key that is allowed.
func (a *authenticator) get(optionsJSON string) string {
	a.t.Helper()
	o := a.parse(optionsJSON)
	var k *key
	for _, there := range a.keys {
		if len(o.Allow) == 0 || slices.Contains(o.Allow, descriptor{b64(there.id)}) {
			k = there
		}
	}
	if k == nil {
		a.t.Fatal("NotAllowedError: the authenticator has no key that allowCredentials names")
	}
	if a.count > 0 {
		a.count++
	}
	client, data := a.clientData("webauthn.get", o.Challenge), a.authData(o.RPID, nil)
	sum := sha256.Sum256(client)
	return a.finish(k, map[string]any{
		"clientDataJSON": b64(client), "authenticatorData": b64(data), "userHandle": b64(k.handle),
		"signature": b64(k.sign(a.t, slices.Concat(data, sum[:]))),
	})
}

// response returns the member response of an answer before it is sent.
func response(answer map[string]any) map[string]any { return answer["response"].(map[string]any) }

// replaced returns b with old, which it must contain, replaced by new.
func replaced(t testing.TB, b, old, new []byte) []byte {
	t.Helper()
	if !bytes.Contains(b, old) {
		t.Fatalf("%x is not in %x", old, b)
	}
	return bytes.Replace(b, old, new, 1)
}
