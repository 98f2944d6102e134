// Package parity connects the tables of docs/MIGRATING.md with tests: every row, an option or a method of
// Passport, express-session, connect-redis or Nest, has one. It has tests only.
package parity
