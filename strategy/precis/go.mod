module github.com/seed-6f34412b/passport/strategy/precis

go 1.26.0

require (
	github.com/seed-6f34412b/passport v0.0.0
	golang.org/x/text v0.43.0
)

require (
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/seed-6f34412b/passport => ../..
