package passkey

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/strategy"
)

// Summary is what a page shows of a passkey. It has no key in it.
type Summary struct {
	ID             string    `json:"id"` // as the browser writes it, for the routes of Rename and Remove
	Name           string    `json:"name"`
	Model          string    `json:"model,omitempty"` // see [Model]
	Created        time.Time `json:"created"`
	LastUsed       time.Time `json:"lastUsed,omitzero"`
	BackupEligible bool      `json:"backupEligible"` // it can be copied to other devices
	BackedUp       bool      `json:"backedUp"`       // it has been
}

func summary(c Credential) Summary {
	return Summary{
		ID: encode(c.ID), Name: c.Name, Model: Model(c.AAGUID), Created: c.Created, LastUsed: c.LastUsed,
		BackupEligible: c.BackupEligible, BackedUp: c.BackedUp,
	}
}

// List returns the handler that lists the user's passkeys: the members passkeys, of [Summary], and [Signals].
func (s *Strategy[U]) List(auth *guard.Guard[U]) http.Handler {
	return auth.RequireAuth(s.answers(auth, http.StatusOK, func(_ http.ResponseWriter, r *http.Request, user U) (any, error) {
		return s.list(r, user)
	}))
}

type listing struct {
	Passkeys []Summary `json:"passkeys"`
	Signals  Signals   `json:"signals"`
}

func (s *Strategy[U]) list(r *http.Request, user U) (listing, error) {
	account, list, err := s.passkeysOf(r, user)
	if err != nil {
		return listing{}, err
	}
	l := listing{Passkeys: []Summary{}, Signals: s.signals(account, list)}
	for _, c := range list {
		l.Passkeys = append(l.Passkeys, summary(c))
	}
	return l, nil
}

// maxName is how many characters a name may have.
const maxName = 64

// Rename returns the handler that names a passkey of the user: the body is {"name": "…"}, and the pattern
// of the route ends in {id}. It answers like [Strategy.List]; a passkey that is not the user's
// is a 404. It panics if Config.Credentials is no [Renamer].
func (s *Strategy[U]) Rename(auth *guard.Guard[U]) http.Handler {
	table, ok := s.cfg.Credentials.(Renamer[U])
	if !ok {
		panic("passkey: Rename: Config.Credentials has no method Rename: add that of passkey.Renamer")
	}
	return s.changing(auth, http.MethodPatch, auth.RequireAuth, func(r *http.Request, user U, id []byte) (bool, error) {
		name, err := newName(r)
		if err != nil {
			return false, err
		}
		return table.Rename(r.Context(), user, id, name)
	})
}

func newName(r *http.Request) (string, error) {
	body, err := readJSON(r)
	if err != nil {
		return "", err
	}
	var sent struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(body, &sent) != nil {
		return "", unreadable(http.StatusBadRequest, "the body is not {\"name\": \"…\"}")
	}
	name := strings.TrimSpace(sent.Name)
	if n := utf8.RuneCountInString(name); n == 0 || n > maxName || strings.ContainsFunc(name, unicode.IsControl) {
		return "", unreadable(http.StatusBadRequest, fmt.Sprintf("a passkey's name has 1 to %d characters, none of them for control", maxName))
	}
	return name, nil
}

// Remove returns the handler that removes a passkey of the user, who has logged in at most
// Config.FreshFor ago; the pattern of the route ends in {id}. It answers like [Strategy.List], whose
// signals have the browser forget the passkey. The last one is refused with 409 while
// Config.WithoutPasskey says that its user could not log in any more. Sessions that it began go on:
// guard.Guard.EndFactor ends them.
func (s *Strategy[U]) Remove(auth *guard.Guard[U]) http.Handler {
	return s.changing(auth, http.MethodDelete, auth.RequireFresh(s.cfg.FreshFor), func(r *http.Request, user U, id []byte) (bool, error) {
		without := false
		if s.cfg.WithoutPasskey != nil {
			var err error
			if without, err = s.cfg.WithoutPasskey(r.Context(), user); err != nil {
				return false, fmt.Errorf("other ways to log in: %w", err)
			}
		}
		return s.cfg.Credentials.Remove(r.Context(), user, id, !without)
	})
}

// changing returns the handler of a route that changes one passkey and answers with the remaining ones.
func (s *Strategy[U]) changing(auth *guard.Guard[U], method string, require func(http.Handler) http.Handler, change func(*http.Request, U, []byte) (bool, error)) http.Handler {
	return s.unsafe(auth, method, require(s.answers(auth, http.StatusOK, func(_ http.ResponseWriter, r *http.Request, user U) (any, error) {
		id := ParseID(r.PathValue("id"))
		if len(id) == 0 {
			return nil, errNone
		}
		switch there, err := change(r, user, id); {
		case err != nil:
			return nil, err
		case !there:
			return nil, errNone
		}
		return s.list(r, user)
	})))
}

var errNone = &strategy.Failure{Status: http.StatusNotFound, Reason: "the user has no passkey with this id"}

// Signals are what a page passes to the browser, so that it does not offer passkeys that are no
// longer valid: the arguments of PublicKeyCredential.signalAllAcceptedCredentials and
// signalCurrentUserDetails. Level 3 §5.1.10.
type Signals struct {
	AllAcceptedCredentials AcceptedCredentials `json:"allAcceptedCredentials"`
	CurrentUserDetails     UserDetails         `json:"currentUserDetails"`
}

// AcceptedCredentials are the passkeys that a user has here.
type AcceptedCredentials struct {
	RPID                     string   `json:"rpId"`                     // Config.RPID
	UserID                   string   `json:"userId"`                   // Account.Handle
	AllAcceptedCredentialIDs []string `json:"allAcceptedCredentialIds"` // none is an empty list
}

// UserDetails are the names of a user.
type UserDetails struct {
	RPID        string `json:"rpId"`        // Config.RPID
	UserID      string `json:"userId"`      // Account.Handle
	Name        string `json:"name"`        // Account.Name
	DisplayName string `json:"displayName"` // Account.DisplayName
}

// UnknownCredential is a passkey that is not here: the argument of
// PublicKeyCredential.signalUnknownCredential.
type UnknownCredential struct {
	RPID         string `json:"rpId"`         // Config.RPID
	CredentialID string `json:"credentialId"` // as the browser writes it
}

func (s *Strategy[U]) signals(a Account, list []Credential) Signals {
	ids := []string{}
	for _, c := range list {
		ids = append(ids, encode(c.ID))
	}
	return Signals{
		AcceptedCredentials{s.cfg.RPID, encode(a.Handle), ids},
		UserDetails{s.cfg.RPID, encode(a.Handle), a.Name, a.DisplayName},
	}
}

// FailureHandler is a guard.Options.FailureHandler. It answers the refusal of a passkey that is not in the
// table with the member unknownCredential, of [UnknownCredential], so that the page can have the browser
// forget it:
//
//	known := guard.Options{Strategies: []string{"passkey"}, FailureHandler: passkeys.FailureHandler}
//	mux.Handle("POST /passkey", auth.AuthenticateWith(known)(auth.LogIn(welcome)))
//
// It returns every other refusal, for the guard to answer.
func (s *Strategy[U]) FailureHandler(w http.ResponseWriter, _ *http.Request, err error) error {
	e, ok := errors.AsType[*unknown](err)
	if !ok {
		return err
	}
	status := http.StatusUnauthorized
	answer(w, status, "application/problem+json", map[string]any{
		"type": guard.ProblemLogIn, "title": http.StatusText(status), "status": status,
		"detail":            "This passkey is not known here any more.",
		"unknownCredential": UnknownCredential{s.cfg.RPID, encode(e.id)},
	})
	return nil
}

// unknown is the refusal of a passkey that is not in the table.
type unknown struct {
	id    []byte
	cause error
}

// Error implements error.
func (e *unknown) Error() string { return e.cause.Error() }

// Unwrap returns what the table said, and the refusal with its reason.
func (e *unknown) Unwrap() []error {
	return []error{e.cause, &strategy.Failure{Reason: "the passkey is not in the table"}}
}

// RelatedOrigins returns the handler for GET /.well-known/webauthn at Config.RPID, which browsers ask
// whether a page of another domain may use the passkeys: Config.RelatedOrigins. Level 3 §5.11.
func (s *Strategy[U]) RelatedOrigins() http.Handler {
	text, err := json.Marshal(map[string][]string{"origins": append([]string{}, s.cfg.RelatedOrigins...)})
	if err != nil {
		panic("passkey: internal error: " + err.Error())
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text)
	})
}
