package passkey

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
)

// Credential is one passkey: the credential record of WebAuthn Level 3 §4. The application
// stores all of it, in columns or as JSON. ID and PublicKey are not secret; but who can change
// them can log in as the user.
type Credential struct {
	ID             []byte    `json:"id"`                   // up to 1023 bytes, unique in the table
	PublicKey      []byte    `json:"publicKey"`            // a COSE key, CBOR
	SignCount      uint32    `json:"signCount,omitempty"`  // how often it signed; synced passkeys stay at 0
	UserVerified   bool      `json:"userVerified"`         // the authenticator checked its user at the registration
	BackupEligible bool      `json:"backupEligible"`       // it can be copied to other devices; never changes
	BackedUp       bool      `json:"backedUp"`             // it has been; may change
	Transports     []string  `json:"transports,omitempty"` // how the authenticator is reached, such as "internal", for the browser
	AAGUID         string    `json:"aaguid"`               // the model of the authenticator, as a UUID; see [Model]
	Name           string    `json:"name"`                 // for its user; the model at first
	Created        time.Time `json:"created"`
	LastUsed       time.Time `json:"lastUsed,omitzero"`
	// Attestation and ClientData are the attestation object and the client data of the registration, kept
	// where Policy.Roots asked for an attestation.
	Attestation []byte `json:"attestation,omitempty"`
	ClientData  []byte `json:"clientData,omitempty"`
}

// IDText returns the id as browsers write it, base64url, for forms and for the routes of [Strategy.Rename] and
// [Strategy.Remove].
func (c Credential) IDText() string { return encode(c.ID) }

// ParseID returns the id that [Credential.IDText] has made a text of. Any other text is nil, which is the id of
// no passkey.
func ParseID(text string) []byte {
	id, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || encode(id) != text {
		return nil
	}
	return id
}

// Credentials is the application's table of passkeys. It is safe for concurrent use, also by
// several processes. It neither keeps nor changes the slices that it is given, and hands out
// none that it changes later. Any error but those that are named here is an outage. Package
// passkeytest checks the rules one by one.
type Credentials[U any] interface {
	// Find returns the passkey with this id, and its user. ErrUnknown says that there is none: the
	// browser may then be told to forget it. Any other error that wraps strategy.ErrUnauthenticated
	// refuses: for a user who is locked.
	Find(ctx context.Context, id []byte) (Credential, U, error)

	// List returns the passkeys of user, the oldest first.
	List(ctx context.Context, user U) ([]Credential, error)

	// Add stores a passkey of user. ErrExists says that somebody has one with this id, which then
	// stays as it is. An error that wraps strategy.ErrUnauthenticated refuses the passkey: for a rule of the
	// application's own. It is the place from which a user is told of a new passkey by mail.
	Add(ctx context.Context, user U, c Credential) error

	// Update stores SignCount, BackedUp and LastUsed of c, which was just used, if the stored
	// SignCount is still signCount, in one atomic step:
	//
	//	UPDATE passkeys SET … WHERE id = ? AND sign_count = ?
	//
	// The bool reports whether it did; for a passkey that is not there it is false.
	Update(ctx context.Context, c Credential, signCount uint32) (bool, error)

	// Remove deletes the passkey with this id if it is one of user's. The bool reports whether
	// it was there. With keepLast it deletes none that is the user's only one, and returns ErrLast: of two
	// calls at once for the last two, one gets it.
	Remove(ctx context.Context, user U, id []byte, keepLast bool) (bool, error)
}

// Renamer is what [Strategy.Rename] asks of the table in addition.
type Renamer[U any] interface {
	// Rename sets the name of the passkey with this id if it is one of user's. The bool reports
	// whether it was there.
	Rename(ctx context.Context, user U, id []byte, name string) (bool, error)
}

// ErrUnknown is returned by Credentials.Find when there is no passkey with this id. It matches
// strategy.ErrUnauthenticated.
var ErrUnknown = fmt.Errorf("passkey: unknown passkey: %w", strategy.ErrUnauthenticated)

// ErrExists is returned by Credentials.Add when somebody has a passkey with this id. The answer is 409.
var ErrExists = errors.New("passkey: the passkey is registered already")

// ErrLast is returned by Credentials.Remove when it must not remove the last passkey. The answer is
// 409.
var ErrLast = errors.New("passkey: it is the last one, and its user could not log in any more")

// Account is what authenticators store about a user.
type Account struct {
	// Handle is how authenticators know the user: random, 16 to 64 bytes, unique, and the same for
	// ever. The application makes one for each user with [NewHandle] and keeps it. It is never an
	// e-mail address or a number that identifies a person.
	Handle []byte
	// Name is what the user logs in with, such as the e-mail address; required.
	Name string
	// DisplayName is what the user is called. Empty means Name.
	DisplayName string
}

const minHandle, maxHandle = 16, 64

// NewHandle returns a random user handle.
func NewHandle() []byte {
	handle := make([]byte, 32)
	_, _ = rand.Read(handle) // crypto/rand never fails
	return handle
}
