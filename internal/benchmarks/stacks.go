package main

// stack is one server under test.
type stack struct {
	name  string // for the command line
	title string // for the table
	node  string // the script, for a server in Node
	part  bool   // has reads and a public page only
	users bool   // of a part: it has log-ins too, to make sessions that are read
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
		{name: "passport-pipeline", title: "**this**, automatic pipeline"},
		{name: "passport-adaptive", title: "**this**, adaptive pipeline"},
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
