package onetime_test

import (
	"net/http"

	"github.com/seed-6f34412b/passport/internal/credtest"
)

const form = "application/x-www-form-urlencoded"

// login is what a validate function got.
type login struct{ email string }

// phone is a user.
type phone struct{ name string }

func postForm(body string) *http.Request { return credtest.Post(form, body) }
