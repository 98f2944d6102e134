package passkey

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
)

// Assertion is what a passkey said at a log-in: strategy.Info.Detail.
type Assertion struct {
	Credential   Credential // as it is stored now
	UserVerified bool       // the authenticator checked a PIN, a finger or a face, as it did at the registration: two factors
	Model        string     // what stores the passkey, such as "iCloud Keychain"; empty when unknown; see [Model]
}

// site is what a response must match.
type site struct {
	rpID    string
	origins []string // https and http
	opaque  []string // origins of native applications
	policy  Policy
}

func newSite[U any](cfg *Config[U]) *site {
	s := &site{rpID: cfg.RPID, policy: cfg.Policy}
	for _, origin := range slices.Concat(cfg.Origins, cfg.RelatedOrigins) {
		if strings.HasPrefix(origin, androidOrigin) {
			s.opaque = append(s.opaque, origin)
		} else {
			s.origins = append(s.origins, origin)
		}
	}
	return s
}

// parseAssertion parses an AuthenticationResponseJSON.
func parseAssertion(body []byte) (*protocol.ParsedCredentialAssertionData, error) {
	answer, err := protocol.ParseCredentialRequestResponseBytes(body)
	if err != nil {
		return nil, unreadable(400, "the answer is no AuthenticationResponseJSON: "+reason(err))
	}
	return answer, nil
}

// checkClient refuses client data that was made for something else: the steps about C in Level 3 §7.1 and
// §7.2.
func (s *site) checkClient(c *protocol.CollectedClientData, want protocol.CeremonyType) error {
	switch {
	case c.Type != want:
		return refuse("the answer is of the type %.40q, want %q", c.Type, want)
	case !slices.Contains(s.origins, c.Origin) && !slices.Contains(s.opaque, c.Origin): // compared byte by byte, because browsers write the canonical form
		return refuse("the answer was made at the origin %.200q, which is in neither Origins nor RelatedOrigins", c.Origin)
	case c.CrossOrigin || c.TopOrigin != "":
		return refuse("the answer was made in a frame of another origin: %.200q", c.TopOrigin)
	}
	return nil
}

// checkData refuses authenticator data of another site, or without user presence.
func (s *site) checkData(d *protocol.AuthenticatorData) error {
	want := sha256.Sum256([]byte(s.rpID))
	switch {
	case !bytes.Equal(d.RPIDHash, want[:]):
		return refuse("the passkey is of another site than %q", s.rpID)
	case !d.Flags.UserPresent():
		return refuse("the authenticator asked nobody")
	case s.policy.UserVerification == Required && !d.Flags.UserVerified():
		return refuse("the authenticator did not verify its user, and Policy.UserVerification is Required")
	case d.Flags.HasBackupState() && !d.Flags.HasBackupEligible():
		return refuse("the passkey is backed up and cannot be: flags that no authenticator sends")
	}
	return nil
}

// verifyAssertion checks an answer to challenge with the key of c. The caller has found c by the id in the
// answer, and checks the user, the counter and the use of the challenge.
func (s *site) verifyAssertion(answer *protocol.ParsedCredentialAssertionData, challenge string, c *Credential) error {
	data := &answer.Response.AuthenticatorData
	if err := s.checkClient(&answer.Response.CollectedClientData, protocol.AssertCeremony); err != nil {
		return err
	}
	if err := s.checkData(data); err != nil {
		return err
	}
	err := answer.Verify(challenge, s.rpID, "", s.origins, s.opaque, nil, protocol.TopOriginExplicitVerificationMode,
		false, s.policy.UserVerification == Required, true, c.PublicKey, protocol.SignaturePolicy{})
	if err != nil {
		return refuse("the signature is not the passkey's: %s", reason(err))
	}
	if s.policy.UserVerification == Required && !c.UserVerified { // whoever finds a key without a PIN can set one on it
		return refuse("the passkey did not verify its user at the registration, and Policy.UserVerification is Required")
	}
	if data.Flags.HasBackupEligible() != c.BackupEligible {
		return refuse("the passkey can be backed up: %t, and was registered with the opposite", data.Flags.HasBackupEligible())
	}
	return nil
}

// wentBack reports whether the counter of an answer shows that a second authenticator uses the key
// (§6.1.1). The copies of a synced passkey count separately, so these are never reported.
func (c Credential) wentBack(signCount uint32) bool {
	return !c.BackupEligible && (signCount != 0 || c.SignCount != 0) && signCount <= c.SignCount
}

// reason returns the text of an error of the library, without what the client sent.
func reason(err error) string {
	var e *protocol.Error
	if !errors.As(err, &e) {
		return "malformed"
	}
	return e.Details
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
