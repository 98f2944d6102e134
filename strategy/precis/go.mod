module github.com/seed-6f34412b/passport/strategy/precis

go 1.26.0

require (
	github.com/seed-6f34412b/passport v0.1.0
	golang.org/x/text v0.44.0
)

require (
	golang.org/x/crypto v0.59.0 // indirect
	golang.org/x/sys v0.50.0 // indirect
)

replace github.com/seed-6f34412b/passport => ../..
