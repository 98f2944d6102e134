package passkey

// VerifyRegistration and VerifyLogIn check answers to challenges that were not made by this program.

func (s *Strategy[U]) VerifyRegistration(body []byte, challenge string) (Credential, error) {
	answer, err := parseAttestation(body)
	if err != nil {
		return Credential{}, err
	}
	return s.site.verifyAttestation(answer, challenge)
}

func (s *Strategy[U]) VerifyLogIn(body []byte, challenge string, c Credential) error {
	answer, err := parseAssertion(body)
	if err != nil {
		return err
	}
	return s.site.verifyAssertion(answer, challenge, &c)
}

// AAGUIDs is the file of authenticator models.
var AAGUIDs = aaguidsJSON
