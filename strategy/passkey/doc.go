// Package passkey answers: does the sender of this request hold a passkey of this site?
//
// A passkey is a key pair of WebAuthn Level 3: it signs for one site alone, so that a page of
// another site gets no answer that is valid here. [New] makes a strategy for a guard:
//
//	passkeys, err := passkey.New(passkey.Config[*User]{
//		RPID: "shop.example", RPName: "Shop", Origins: []string{"https://shop.example"},
//		Secrets: []string{secret}, Credentials: table, Account: table.account,
//	})
//	auth, err := guard.New(guard.Config{Sessions: sessions}, users, passwords, passkeys)
//
//	mux.Handle("POST /passkey/options", passkeys.BeginLogIn(auth))
//	mux.Handle("POST /passkey", passkeys.FinishLogIn(auth))
//
//	mux.Handle("POST /passkeys/options", passkeys.BeginRegistration(auth))
//	mux.Handle("POST /passkeys", passkeys.FinishRegistration(auth))
//	mux.Handle("GET /passkeys", passkeys.List(auth))
//	mux.Handle("DELETE /passkeys/{id}", passkeys.Remove(auth))
//
// The page asks Begin for options, has the browser sign, and sends what the browser returned
// to the other route. All JSON has the names of WebAuthn Level 3, so that
// PublicKeyCredential.parseRequestOptionsFromJSON and toJSON are all the script that it
// needs; @simplewebauthn/browser works unchanged. docs/PASSKEYS.md has the table, the routes,
// the script, and how users with passwords get there.
//
// # What a log-in says
//
// The factors of a log-in, for guard.Guard.RequireFactor and guard.Config.Factors, are
//
//	passkey           the user holds the key: one factor
//	passkey:verified  the authenticator checked a PIN, a finger or a face too: a second one
//	passkey:device    the key cannot leave its device: with passkey:verified what AAL3 asks for
//
// with Config.Name in the place of "passkey". That a key cannot leave its device is its own claim;
// with Policy.Roots its maker attests it. strategy.Info.Detail is an [Assertion], which says more.
// As a second factor, behind guard.Guard.StepUp, the options come from [Strategy.BeginStepUp],
// which names the keys of the user, so that keys serve that no authenticator can find by itself.
//
// # Challenges
//
// A challenge carries its time and a MAC over the browser's cookie, the purpose and the user.
// So nothing is stored for visitors, several tabs do not disturb each other, and an answer is
// valid only in the browser that asked, for what it asked, within Config.Timeout. Config.Once
// stores the challenges that were answered correctly, so that each is valid once.
//
// # What is answered
//
// A log-in that is refused is a 401, one that cannot be read a 400; a registration that is
// refused is a 400. The reason is in the log. If the table or Config.Once
// fails, the answer is a 503, and nobody is logged in.
package passkey
