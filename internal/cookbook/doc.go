// Package cookbook runs the code of docs/COOKBOOK.md. It has tests only.
package cookbook
