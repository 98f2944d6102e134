package main

// stack is one server under test.
type stack struct {
	name  string // for the command line
	title string // for the table
	node  string // for a server in Node: the script, and optionally its argument
	part  bool   // has only reads and a public page
	users bool   // if part is set: has log-ins too, to make the sessions that are read
}

// reference is the stack that counts as 1.00.
const reference = "get"

func stacks() []stack {
	return []stack{
		{name: "floor", title: "net/http alone", part: true},
		{name: "get", title: "net/http + one GET", part: true},
		{name: "get-headers", title: "net/http + one GET + the same two headers", part: true},
		{name: "get-pipeline", title: "net/http + one GET, automatic pipeline", part: true},
		{name: "get-cache", title: "net/http + one GET, client-side cache", part: true},
		{name: "passport", title: "**this**"},
		{name: "passport-unused", title: "**this**, around a page that does not look at its session", part: true, users: true},
		{name: "passport-session", title: "**this**, the session without a guard", part: true, users: true},
		{name: "passport-alone", title: "**this**, each read alone"},
		{name: "passport-pipeline", title: "**this**, automatic pipeline"},
		{name: "passport-cache", title: "**this**, client-side cache"},
		{name: "passport-securecookie", title: "**this**, gorilla/securecookie"},
		{name: "scs", title: "scs + goredisstore"},
		{name: "scs-idle", title: "scs + goredisstore, idle timeout"},
		{name: "rbcervilla", title: "gorilla/sessions + rbcervilla/redisstore"},
		{name: "boj", title: "gorilla/sessions + boj/redistore"},
		{name: "fiber", title: "Fiber v3 session"},
		{name: "gin", title: "gin sessions"},
		{name: "express", title: "Express, express-session, connect-redis, passport", node: "express.mjs"},
		{name: "nest", title: "NestJS, the article's stack", node: "nest.mjs"},
	}
}

// few are the stacks of the shorter tables.
var few = []string{
	"get", "get-headers", "get-pipeline", "get-cache", "passport", "passport-pipeline", "passport-alone", "passport-cache",
	"scs", "scs-idle", "rbcervilla", "fiber", "express",
}

// overHTTP2 are the stacks that serve HTTP/2 without TLS: those on net/http. Fiber and Express cannot.
var overHTTP2 = []string{"floor", "get", "get-headers", "passport", "passport-alone", "passport-cache", "scs", "scs-idle", "rbcervilla", "boj", "gin"}

// tokenStacks find the user without a session, except one that uses a session, for comparison.
func tokenStacks() []stack {
	return []stack{
		{name: "floor", title: "net/http alone", part: true},
		{name: "passport", title: "**this**, a session"},
		{name: "passport-jwt", title: "**this**, a bearer token (JWT, HS256)", part: true},
		{name: "chi-jwt", title: "go-chi/jwtauth, a bearer token", part: true},
		{name: "gin-jwt", title: "appleboy/gin-jwt, a bearer token", part: true},
		{name: "express-jwt", title: "Express, passport-jwt", node: "tokens.mjs jwt", part: true},
		{name: "passport-apikey", title: "**this**, an API key", part: true},
		{name: "fiber-apikey", title: "Fiber v3 keyauth", part: true},
		{name: "express-apikey", title: "Express, passport-headerapikey", node: "tokens.mjs headerapikey", part: true},
	}
}

// rememberStacks log a browser in again with a cookie that outlives its session.
func rememberStacks() []stack {
	return []stack{
		{name: "passport-remember", title: "**this**, `RememberMe`"},
		{name: "express-remember", title: "Express, passport-remember-me, connect-redis", node: "remember.mjs"},
	}
}
