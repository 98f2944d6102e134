package passkey

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
)

// parseAttestation parses a RegistrationResponseJSON.
func parseAttestation(body []byte) (*protocol.ParsedCredentialCreationData, error) {
	answer, err := protocol.ParseCredentialCreationResponseBytes(body)
	if err != nil {
		return nil, unreadable(400, "the answer is no RegistrationResponseJSON: "+reason(err))
	}
	return answer, nil
}

// verifyAttestation checks an answer to challenge, and returns the passkey in it. The caller must check the
// use of the challenge.
func (s *site) verifyAttestation(answer *protocol.ParsedCredentialCreationData, challenge string) (c Credential, err error) {
	object := &answer.Response.AttestationObject
	data := &object.AuthData
	if err := s.checkClient(&answer.Response.CollectedClientData, protocol.CreateCeremony); err != nil {
		return c, err
	}
	if err := s.checkData(data); err != nil {
		return c, err
	}
	if err := s.checkKey(data.AttData.CredentialPublicKey); err != nil {
		return c, err
	}
	if s.policy.DeviceBound && data.Flags.HasBackupEligible() {
		return c, refuse("the passkey can be copied to other devices, and Policy.DeviceBound is set")
	}
	if err := checkCertificates(object); err != nil {
		return c, err
	}
	_, err = answer.Verify(challenge, s.rpID, s.origins, s.opaque, nil, protocol.TopOriginExplicitVerificationMode,
		false, s.policy.UserVerification == Required, true, nil, s.parameters(), protocol.AttestationPolicy{}, protocol.SignaturePolicy{})
	if err != nil {
		return c, refuse("the attestation of format %.40q is not valid: %s", object.Format, reason(err))
	}
	if s.policy.Roots != nil {
		if err := s.policy.trusts(object); err != nil {
			return c, err
		}
		c.Attestation, c.ClientData = answer.Raw.AttestationResponse.AttestationObject, answer.Raw.AttestationResponse.ClientDataJSON
	}
	c.ID, c.PublicKey = data.AttData.CredentialID, data.AttData.CredentialPublicKey
	c.SignCount, c.AAGUID = data.Counter, uuid(data.AttData.AAGUID)
	c.UserVerified = data.Flags.UserVerified()
	c.BackupEligible, c.BackedUp = data.Flags.HasBackupEligible(), data.Flags.HasBackupState()
	c.Transports = transports(answer.Response.Transports)
	if c.Name = Model(c.AAGUID); c.Name == "" {
		c.Name = "Passkey"
	}
	return c, nil
}

// checkKey refuses a key of an algorithm that was not offered, and one that could never verify a signature:
// without an attestation, nothing has been signed with it yet.
func (s *site) checkKey(cose []byte) error {
	var key webauthncose.PublicKeyData
	if err := webauthncbor.Unmarshal(cose, &key); err != nil {
		return refuse("the public key is no COSE key")
	}
	if !slices.Contains(s.policy.Algorithms, Algorithm(key.Algorithm)) {
		return refuse("the public key is of the algorithm %d, which Policy.Algorithms does not offer", key.Algorithm)
	}
	public, err := webauthncose.ParsePublicKey(cose)
	if err != nil {
		return refuse("the public key is no key of the algorithm %d", key.Algorithm)
	}
	if k, ok := public.(webauthncose.RSAPublicKeyData); ok {
		return checkRSA(new(big.Int).SetBytes(k.Modulus))
	}
	return nil
}

const minRSABits, maxRSABits = 2048, 8192 // as in package jwt

// checkRSA refuses RSA keys that can be factored, and those whose signatures take seconds to verify.
func checkRSA(n *big.Int) error {
	if bits := n.BitLen(); bits < minRSABits || bits > maxRSABits {
		return refuse("an RSA key of %d bits: only those of %d to %d are accepted", bits, minRSABits, maxRSABits)
	}
	return nil
}

// checkCertificates refuses certificates whose signatures take seconds to verify, even if Policy.Roots is
// nil.
func checkCertificates(object *protocol.AttestationObject) error {
	whole := protocol.NonCompoundAttestationObject{Format: object.Format, AttStatement: object.AttStatement}
	for _, statement := range append([]protocol.NonCompoundAttestationObject{whole}, object.SubStatements...) {
		if statement.Format == string(protocol.AttestationFormatAndroidSafetyNet) {
			return refuse("the attestation is of format %q, which Google has ended", statement.Format)
		}
		chain, err := certificates(statement.AttStatement["x5c"])
		if err != nil {
			return err
		}
		for _, c := range chain {
			if k, ok := c.PublicKey.(*rsa.PublicKey); ok {
				if err := checkRSA(k.N); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// parameters returns Policy.Algorithms in the form of a registration's options.
func (s *site) parameters() (list []protocol.CredentialParameter) {
	for _, a := range s.policy.Algorithms {
		list = append(list, protocol.CredentialParameter{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.COSEAlgorithmIdentifier(a)})
	}
	return list
}

const maxTransports, maxTransport = 8, 32

// transports returns the names of transports to store for browsers: at most a few short ones.
func transports(sent []protocol.AuthenticatorTransport) (list []string) {
	for _, t := range sent {
		if len(list) < maxTransports && len(t) > 0 && len(t) <= maxTransport && !slices.Contains(list, string(t)) {
			list = append(list, string(t))
		}
	}
	return list
}

// oidSubjectAltName is critical in the certificates of TPMs, and contains what crypto/x509 does not know:
// the library has checked it.
var oidSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// trusts refuses an attestation that no certificate in Roots signs. Its own signature was checked before.
func (p *Policy) trusts(object *protocol.AttestationObject) error {
	chain, err := certificates(object.AttStatement["x5c"])
	if err != nil {
		return err
	}
	if len(chain) == 0 {
		return refuse("the attestation of format %.40q has no certificate, and Policy.Roots wants one", object.Format)
	}
	leaf := chain[0]
	leaf.UnhandledCriticalExtensions = slices.DeleteFunc(leaf.UnhandledCriticalExtensions, oidSubjectAltName.Equal)
	opts := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	for _, root := range p.Roots {
		if root.Equal(leaf) {
			return nil // some makers publish the authenticators' own certificates
		}
		opts.Roots.AddCert(root)
	}
	for _, c := range chain[1:] {
		opts.Intermediates.AddCert(c)
	}
	if _, err := leaf.Verify(opts); err != nil {
		sum := sha256.Sum256(leaf.Raw)
		return refuse("no certificate of Policy.Roots vouches for the authenticator's, whose SHA-256 is %x: %v", sum[:8], err)
	}
	return nil
}

const maxCertificates = 8

// certificates parses the member x5c of an attestation statement.
func certificates(x5c any) (chain []*x509.Certificate, err error) {
	list, _ := x5c.([]any)
	if len(list) > maxCertificates {
		return nil, refuse("the attestation has %d certificates", len(list))
	}
	for _, item := range list {
		der, _ := item.([]byte)
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, refuse("a certificate of the attestation cannot be read")
		}
		chain = append(chain, c)
	}
	return chain, nil
}
