package main_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	main "github.com/seed-6f34412b/passport/examples/account"
)

// TestTheNameOfAKeyIsCountedInLetters, as the error says, and not in bytes.
func TestTheNameOfAKeyIsCountedInLetters(t *testing.T) {
	v := visit(t, main.Site(t, time.Hour)).register("kim@test.example")
	v.Post("/account/keys", "name", strings.Repeat("ж", 255)).Want(t, http.StatusSeeOther, "")
	v.Post("/account/keys", "name", strings.Repeat("ж", 256)).Want(t, http.StatusUnprocessableEntity, "255 letters")
}
