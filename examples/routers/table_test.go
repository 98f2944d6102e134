package main_test

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// columns are the routers, in the order of the table.
var columns = []string{"net/http", "chi", "gorilla/mux", "echo", "gin", "huma", "connect"}

// beside are behaviours that a router has no form for: they are mounted on the mux next to it.
var beside = map[string][]string{
	"log-in by form": {"huma", "connect"}, "return-to": {"huma", "connect"}, "WebSocket": {"huma", "connect"}, "uploads": {"connect"},
}

// TestRouters runs every behaviour on every router and compares the table with that of docs/ROUTERS.md.
func TestRouters(t *testing.T) {
	cells := map[string]map[string]string{}
	for _, b := range behaviours {
		cells[b.name] = map[string]string{}
	}
	for _, router := range columns {
		t.Run(strings.ReplaceAll(router, "/", "-"), func(t *testing.T) {
			for _, b := range behaviours {
				cells[b.name][router] = "no"
				if t.Run(b.name, func(t *testing.T) { b.run(t, router) }) {
					cells[b.name][router] = "yes"
					if slices.Contains(beside[b.name], router) {
						cells[b.name][router] = "beside"
					}
				}
			}
		})
	}
	table := "| | " + strings.Join(columns, " | ") + " |\n|---" + strings.Repeat("|---", len(columns)) + "|\n"
	for _, b := range behaviours {
		table += "| " + b.name
		for _, router := range columns {
			table += " | " + cells[b.name][router]
		}
		table += " |\n"
	}
	page, err := os.ReadFile("../../docs/ROUTERS.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), table) {
		t.Errorf("docs/ROUTERS.md has another table than this run's:\n%s", table)
	}
	t.Log("\n" + table)
}
