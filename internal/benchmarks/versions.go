package main

import (
	"encoding/json"
	"os"
	"runtime/debug"
	"slices"
	"strings"
)

// peers are the modules that this library is compared with, and go-redis, which they share.
var peers = []string{
	"github.com/alexedwards/scs/v2", "github.com/alexedwards/scs/goredisstore", "github.com/gorilla/sessions",
	"github.com/rbcervilla/redisstore/v9", "github.com/boj/redistore", "github.com/gofiber/fiber/v3",
	"github.com/gofiber/storage/redis/v3", "github.com/gin-gonic/gin", "github.com/gin-contrib/sessions",
	"github.com/go-chi/jwtauth/v5", "github.com/appleboy/gin-jwt/v2", "github.com/redis/go-redis/v9",
}

// versions is a paragraph with the versions of the measured modules and of the packages in node/package.json.
func versions() string {
	var list []string
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if slices.Contains(peers, m.Path) {
				list = append(list, strings.TrimPrefix(m.Path, "github.com/")+" "+m.Version)
			}
		}
	}
	text, err := os.ReadFile("node/package.json")
	var manifest struct{ Dependencies map[string]string }
	if err == nil && json.Unmarshal(text, &manifest) == nil {
		for _, name := range []string{
			"express", "express-session", "connect-redis", "redis", "passport", "passport-jwt", "passport-headerapikey",
			"passport-remember-me", "@nestjs/core", "@nestjs/passport",
		} {
			list = append(list, name+" "+manifest.Dependencies[name])
		}
	}
	return "\n" + filled("Versions: "+strings.Join(list, ", ")+".") + "\n"
}

// filled wraps a text into lines of at most 110 bytes.
func filled(text string) string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > 110 {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return strings.Join(append(lines, line), "\n")
}
