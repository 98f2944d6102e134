package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"
)

// Each test is named after a fault that the article's application has.

func TestUnknownEmailAnswersAsAWrongPasswordDoes(t *testing.T) {
	v := start(t).visitor()
	wrong, unknown := v.logIn(joe, "guess"), v.logIn("nobody@test.com", "guess")
	wrong.want(t, http.StatusUnauthorized, "")
	wrong.header.Del("Date")
	unknown.header.Del("Date")
	if got, want := fmt.Sprint(unknown), fmt.Sprint(wrong); got != want {
		t.Errorf("an unknown address is answered %s, a wrong password %s", got, want)
	}
}

func TestRegisterAnswersTheRightID(t *testing.T) {
	v := start(t).visitor()
	created := v.register("new.email@test.com", "password")
	created.want(t, http.StatusCreated, `"email":"new.email@test.com"`)
	v.logIn("new.email@test.com", "password").want(t, http.StatusOK, fmt.Sprintf(`"user":%d`, idOf(t, created)))
	if got := v.get("/whoami").body; got != created.body {
		t.Errorf("whoami answers %s, the registration answered %s", got, created.body)
	}
}

func idOf(t testing.TB, r reply) int64 {
	t.Helper()
	var user struct {
		ID int64 `json:"id"`
	}
	if err := json.Unmarshal([]byte(r.body), &user); err != nil || user.ID == 0 {
		t.Fatalf("no id in %q: %v", r.body, err)
	}
	return user.ID
}

const secret = "a made-up secret of 32 bytes or more"

// restarted registers and logs in a user, and starts the server again on the same
// Redis: the users table forgets, the sessions stay.
func restarted(t testing.TB) (before *visitor, again *process, id int64) {
	t.Helper()
	args := []string{"-redis", "redis://" + miniredis.RunT(t).Addr(), "-secret", secret}
	first := start(t, args...)
	v := first.visitor()
	id = idOf(t, v.register("first@test.com", "password"))
	v.logIn("first@test.com", "password").want(t, http.StatusOK, "")
	first.Stop()
	again = start(t, args...)
	v.base = again.URL
	return v, again, id
}

func TestSessionOfAMissingUserIsAnonymous(t *testing.T) {
	v, _, _ := restarted(t)
	v.get("/").want(t, http.StatusOK, public)
	v.get("/protected").want(t, http.StatusUnauthorized, "")
	v.logIn(joe, joesPass).want(t, http.StatusOK, `"user":1`)
	v.get("/protected").want(t, http.StatusOK, protected)
}

func TestIDsAreNotUsedAgainAfterARestart(t *testing.T) {
	v, again, old := restarted(t)
	if id := idOf(t, again.visitor().register("second@test.com", "password")); id == old {
		t.Errorf("two users got the id %d", id)
	}
	v.get("/whoami").want(t, http.StatusUnauthorized, "")
}

func TestSessionOfASeededUserSurvivesARestart(t *testing.T) {
	args := []string{"-redis", "redis://" + miniredis.RunT(t).Addr(), "-secret", secret}
	first := start(t, args...)
	v := first.visitor()
	v.logIn(joe, joesPass).want(t, http.StatusOK, "")
	first.Stop()
	v.base = start(t, args...).URL
	v.get("/whoami").want(t, http.StatusOK, `{"id":1,"firstName":"Joe","lastName":"Foo","email":"joefoo@test.com"}`)
}

func TestCookieIsHiddenFromScripts(t *testing.T) {
	got := start(t).visitor().logIn(joe, joesPass).header["Set-Cookie"]
	if len(got) != 2 || !strings.HasPrefix(got[0], "sid=") || !strings.HasPrefix(got[1], "device=") {
		t.Errorf("got cookies %q, want one sid, and the one by which the browser is known", got)
	}
	for _, cookie := range got {
		if !strings.Contains(cookie, "; HttpOnly") || !strings.Contains(cookie, "; SameSite=Lax") {
			t.Errorf("got %q, want HttpOnly and SameSite=Lax", cookie)
		}
	}
}

func TestLogOutEndsTheSession(t *testing.T) {
	p := start(t)
	v, thief := p.visitor(), p.visitor()
	v.logIn(joe, joesPass).want(t, http.StatusOK, "")
	thief.http.Jar = v.http.Jar
	v.post("/auth/logout").want(t, http.StatusOK, "You are logged out")
	thief.get("/protected").want(t, http.StatusUnauthorized, "")
}

func TestEmptyBodiesAreBadRequests(t *testing.T) {
	v := start(t).visitor()
	for _, path := range []string{"/auth/login", "/auth/register"} {
		for _, kind := range []string{"", form, "application/json"} {
			if got := v.do(http.MethodPost, path, kind, ""); got.status != http.StatusBadRequest {
				t.Errorf("POST %s with an empty body of type %q: got %d %s, want 400", path, kind, got.status, got.body)
			}
		}
	}
}

func TestOneOfManyRegistrationsOfAnAddressSucceeds(t *testing.T) {
	v := start(t).visitor()
	const tries = 4
	var wg sync.WaitGroup
	replies, errs := make([]reply, tries), make([]error, tries)
	for i, email := range [tries]string{"twin@test.com", "twin@test.com", "TWIN@test.com", "Twin@Test.com"} {
		wg.Go(func() {
			body := encode("email", email, "password", "password", "confirmationPassword", "password", "firstName", "New", "lastName", "Test")
			replies[i], errs[i] = v.send(t.Context(), http.MethodPost, "/auth/register", form, body)
		})
	}
	wg.Wait()
	created := 0
	for i, r := range replies {
		switch {
		case errs[i] != nil:
			t.Error(errs[i])
		case r.status == http.StatusCreated:
			created++
		default:
			r.want(t, http.StatusBadRequest, "User email must be unique")
		}
	}
	if created != 1 {
		t.Errorf("got %d users with one address, want 1", created)
	}
}

func TestPasswordsAreNotCutAt72Bytes(t *testing.T) {
	v := start(t).visitor()
	longest := strings.Repeat("pass word", 8)
	v.register("long@test.com", longest+"!").want(t, http.StatusBadRequest, "at most 72 bytes")
	v.register("long@test.com", longest).want(t, http.StatusCreated, "")
	v.logIn("long@test.com", longest+"!").want(t, http.StatusUnauthorized, "")
	v.logIn("long@test.com", longest).want(t, http.StatusOK, "")
}

func TestRegistrationTakesNoOtherFields(t *testing.T) {
	v := start(t).visitor()
	const more = `"id":1,"ID":1,"role":"admin","hash":"x"`
	body := `{"email":"new@test.com","password":"password","confirmationPassword":"password","firstName":"New","lastName":"Test",` + more + `}`
	created := v.do(http.MethodPost, "/auth/register", "application/json", body)
	want := fmt.Sprintf(`{"id":%d,"firstName":"New","lastName":"Test","email":"new@test.com"}`, idOf(t, created))
	if created.body != want || idOf(t, created) == 1 {
		t.Errorf("got %s, want %s with an id of its own", created.body, want)
	}
	if got := idOf(t, v.register("newer@test.com", "password", "id", "1")); got == 1 {
		t.Error("a form chose the id of another user")
	}
}

func TestQueryStringDoesNotLogIn(t *testing.T) {
	v := start(t).visitor()
	v.post("/auth/login?"+encode("email", joe, "password", joesPass)).want(t, http.StatusBadRequest, "")
	v.get("/protected").want(t, http.StatusUnauthorized, "")
}

// TestASlowExpressDoesNotUndoALogOut: it writes back what it read before (G36).
func TestASlowExpressDoesNotUndoALogOut(t *testing.T) {
	redis := miniredis.RunT(t)
	v := start(t, "-redis", "redis://"+redis.Addr(), "-express-secret", secret).visitor()
	cookie := v.logIn(joe, joesPass).header.Get("Set-Cookie")
	id, _, _ := strings.Cut(strings.TrimPrefix(cookie, "connect.sid=s%3A"), ".")
	record, err := redis.Get("sess:" + id)
	if err != nil {
		t.Fatal(err)
	}
	v.post("/auth/logout").want(t, http.StatusOK, "")
	if err := redis.Set("sess:"+id, record); err != nil {
		t.Fatal(err)
	}
	presented, _, _ := strings.Cut(cookie, ";")
	p := v.do(http.MethodGet, "/protected", "", "", "Cookie", presented)
	p.want(t, http.StatusUnauthorized, "")
}
