// Package cookbook runs the code of docs/COOKBOOK.md, and README's first program. It has tests only.
package cookbook
