package article

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/seed-6f34412b/passport/strategy/onetime"
	"github.com/seed-6f34412b/passport/strategy/password"
	"github.com/seed-6f34412b/passport/strategy/password/policy"
)

// registration is what a new user may send. Everything else in the body, such as an id or
// a role, is ignored.
type registration struct {
	FirstName            string `json:"firstName"`
	LastName             string `json:"lastName"`
	Email                string `json:"email"`
	Password             string `json:"password"`
	ConfirmationPassword string `json:"confirmationPassword"`
}

// register adds a user.
func (a *app) register(w http.ResponseWriter, r *http.Request) {
	in, err := readRegistration(w, r)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		a.refuse(w, http.StatusRequestEntityTooLarge, "The body is too large")
		return
	case err != nil:
		a.refuse(w, http.StatusBadRequest, "The body is neither a form nor JSON with texts as values")
		return
	case in.FirstName == "" || in.LastName == "" || in.Email == "" || in.Password == "":
		a.refuse(w, http.StatusBadRequest, "firstName, lastName, email, password and confirmationPassword must not be empty")
		return
	case in.Password != in.ConfirmationPassword:
		a.refuse(w, http.StatusBadRequest, "Password and Confirmation Password must match")
		return
	}
	// The address is stored in the one spelling that log-ins look up and count.
	if in.Email = a.local.Account(in.Email); !onetime.IsAddress(in.Email) {
		a.refuse(w, http.StatusBadRequest, "email is not an address, such as joefoo@test.com")
		return
	}
	var broken *policy.Error
	switch err := a.policy.Check(r.Context(), in.Password, in.Email, in.FirstName, in.LastName); {
	case errors.As(err, &broken) && broken.Rule == policy.RuleCommon && a.article:
		a.log.Warn("a password that is easy to guess was accepted, as in the article, because only this machine can reach the server")
	case broken != nil && broken.Rule != policy.RuleTooLong:
		a.refuse(w, http.StatusBadRequest, broken.Text())
		return
	case err != nil && broken == nil:
		a.auth.Error(w, r, err) // 503: the list of stolen passwords does not answer
		return
	}
	hash, err := a.hasher.Hash(r.Context(), in.Password)
	switch {
	case errors.Is(err, password.ErrUnhashable):
		a.refuse(w, http.StatusBadRequest, "Password must have at most 72 bytes, and no NUL")
		return
	case err != nil:
		a.auth.Error(w, r, err) // 503: too many log-ins at once
		return
	}
	user := &User{FirstName: in.FirstName, LastName: in.LastName, Email: in.Email, hash: hash}
	switch err := a.users.Add(user); {
	case errors.Is(err, errTaken):
		a.refuse(w, http.StatusBadRequest, "User email must be unique")
	case err != nil:
		a.auth.Error(w, r, err)
	default:
		a.answer(w, http.StatusCreated, user)
	}
}

// readRegistration reads a form or JSON from the body, never from the URL.
func readRegistration(w http.ResponseWriter, r *http.Request) (in registration, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/json" {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return in, err
		}
		err = json.Unmarshal(body, &in)
		return in, err
	}
	err = r.ParseForm()
	in = registration{
		FirstName:            r.PostForm.Get("firstName"),
		LastName:             r.PostForm.Get("lastName"),
		Email:                r.PostForm.Get("email"),
		Password:             r.PostForm.Get("password"),
		ConfirmationPassword: r.PostForm.Get("confirmationPassword"),
	}
	return in, err
}

// refuse answers with the form that the guard's refusals have (RFC 9457).
func (a *app) refuse(w http.ResponseWriter, status int, detail string) {
	a.answer(w, status, map[string]any{"title": http.StatusText(status), "status": status, "detail": detail})
}
