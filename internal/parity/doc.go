// Package parity ties the tables of docs/MIGRATING.md to tests: every row, an option or
// a method of Passport, express-session, connect-redis or Nest, is one of them. It has
// tests only.
package parity
