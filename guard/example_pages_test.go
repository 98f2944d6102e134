package guard_test

import (
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"

	"github.com/seed-6f34412b/passport/guard"
)

// Browsers are sent to the log-in page and come back to where they wanted to go.
func ExampleGuard_LogInWith() {
	auth := newClub(silent, func(c *guard.Config) { c.LoginURL = "/login" })
	back := guard.LogInOptions{ReturnTo: true, SuccessRedirect: "/"}
	again := guard.Options{Strategies: []string{"local"}, FailureRedirect: "/login"}

	mux := http.NewServeMux()
	mux.Handle("POST /login", auth.AuthenticateWith(again)(auth.LogInWith(back)(nil)))
	mux.Handle("GET /orders", auth.RequireAuth(say("your orders")))

	v := visit(mux)
	v.header.Set("Accept", "text/html")
	v.do("GET", "/orders?page=2")
	v.do("POST", "/login?return_to=%2Forders%3Fpage%3D2", "email=joe", "password=wrong")
	v.do("POST", "/login?return_to=%2Forders%3Fpage%3D2", "email=joe", "password=secret")
	v.do("GET", "/orders?page=2")
	// Output:
	// GET /orders?page=2: 303 to /login?return_to=%2Forders%3Fpage%3D2
	// POST /login?return_to=%2Forders%3Fpage%3D2: 303 to /login?return_to=%2Forders%3Fpage%3D2
	// POST /login?return_to=%2Forders%3Fpage%3D2: 303 to /orders?page=2
	// GET /orders?page=2: 200 your orders
}

// Browsers get the application's own error page, and programs a problem document.
func ExampleConfig_errorPage() {
	page := template.Must(template.New("").Parse(`{{if eq .Kind "ProblemLogIn"}}You have to log in.{{else}}{{.Detail}}{{end}}
		{{- with .URL}} <a href="{{.}}">Go on</a>{{end}}`))
	auth := newClub(silent, func(c *guard.Config) {
		c.LoginURL = "/login"
		c.ErrorPage = func(w http.ResponseWriter, _ *http.Request, p guard.Problem) {
			w.WriteHeader(p.Status)
			_ = page.Execute(w, p)
		}
	})
	mux := http.NewServeMux()
	mux.Handle("POST /orders", auth.RequireAuth(say("ordered")))

	r := httptest.NewRequest(http.MethodPost, "/orders", nil)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Referer", "http://localhost:3000/cart")
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, r)
	fmt.Println(answer.Code, answer.Body)
	// Output:
	// 401 You have to log in. <a href="/login?return_to=%2Fcart">Go on</a>
}
