package live

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// values are JSON texts as JSON.stringify writes them.
var values = []string{
	`null`, `true`, `false`, `0`, `1`, `-1`, `1.5`, `0.1`, `1e+21`, `1e-7`, `9007199254740992`, `12345678901234567000`,
	`""`, `"text"`, `"<a href='x'>&amp;</a>"`, `"\"quoted\" \\ /"`, `"\b\f\n\r\t\u0001"`, `"é日本🔑"`, "\"\u2028\u2029\"", `"\ud800"`, `"\udc00\ud800 alone"`, `"\u0000"`, `"a\u0000b"`, `"ends in blanks  "`,
	`[]`, `{}`, `[1,"two",[3,{"four":null}]]`, `{"z":1,"a":2,"m":{"y":[],"b":{}}}`, `{"1":"integer-like keys first","b":1}`,
}

// valueScenarios: each side keeps byte for byte what the other sets.
var valueScenarios = []scenario{
	{"Node sets values, Go keeps them through its own write", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(express, joe)
		for i, text := range values {
			v.post(express, "/set", map[string]json.RawMessage{fmt.Sprint("k", i): json.RawMessage(text)}).ok(w.T, "Node sets "+text)
		}
		_, before := w.record()
		v.post(goApp.peer, "/set", map[string]any{"byGo": "x"}).ok(w.T, "Go sets")
		_, after := w.record()
		if want := strings.TrimSuffix(before, "}") + `,"byGo":"x","_go":{`; !strings.HasPrefix(after, want) {
			w.Errorf("Go wrote\n%s\nwant it to begin with\n%s", after, want)
		}
		for i, text := range values {
			key := fmt.Sprint("k", i)
			v.get(goApp.peer, "/get?key="+key).want(w.T, "Go reads "+text, text)
			v.get(express, "/get?key="+key).want(w.T, "Node reads "+text+" after Go wrote", text)
		}
	}},
	{"Go sets values, Node keeps them through its own write", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(goApp.peer, joe)
		for i, text := range values {
			v.post(goApp.peer, "/set", map[string]json.RawMessage{fmt.Sprint("k", i): json.RawMessage(text)}).ok(w.T, "Go sets "+text)
		}
		_, before := w.record()
		v.post(express, "/set", map[string]any{"byNode": "x"}).ok(w.T, "Node sets")
		_, after := w.record()
		if want := strings.TrimSuffix(before, "}") + `,"byNode":"x"}`; after != want {
			w.Errorf("Node wrote\n%s\nwant\n%s", after, want)
		}
		for i, text := range values {
			key := fmt.Sprint("k", i)
			v.get(express, "/get?key="+key).want(w.T, "Node reads "+text, text)
			v.get(goApp.peer, "/get?key="+key).want(w.T, "Go reads "+text+" after Node wrote", text)
		}
		v.isUser(goApp.peer, "Go", "1")
	}},
	{"both take turns at one value", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(express, joe)
		for i := range 6 {
			writer, reader := express, goApp.peer
			if i%2 == 1 {
				writer, reader = reader, writer
			}
			v.post(writer, "/set", map[string]any{"n": i}).ok(w.T, "set")
			v.get(reader, "/get?key=n").want(w.T, "n", fmt.Sprint(i))
		}
	}},
	{"what one deletes is gone for the other", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.post(express, "/set", map[string]any{"a": 1}).ok(w.T, "set")
		v.post(goApp.peer, "/set", map[string]any{"b": 2}).ok(w.T, "set")
		v.post(goApp.peer, "/delete?key=a", nil).ok(w.T, "delete")
		v.post(express, "/delete?key=b", nil).ok(w.T, "delete")
		v.get(express, "/get?key=a").want(w.T, "a in Node", "null")
		v.get(goApp.peer, "/get?key=b").want(w.T, "b in Go", "null")
	}},
	{"flash messages cross over", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		for _, way := range [][2]peer{{express, goApp.peer}, {goApp.peer, express}} {
			for _, text := range []string{"saved <b>", "é"} {
				v.post(way[0], "/flash?kind=info&text="+url.QueryEscape(text), nil).ok(w.T, "flash")
			}
			v.post(way[1], "/flash?kind=info&text=third", nil).ok(w.T, "flash")
			v.get(way[1], "/flash?kind=info").want(w.T, "flashes", `["saved <b>","é","third"]`)
			var left []string
			if err := json.Unmarshal([]byte(v.get(way[0], "/flash?kind=info").text), &left); err != nil || len(left) != 0 {
				w.Errorf("flashes a second time: %q, %v, want none", left, err)
			}
		}
	}},
	{"an anonymous session is one on both sides", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.post(goApp.peer, "/set", map[string]any{"cart": []int{1, 2}}).ok(w.T, "set")
		v.get(express, "/get?key=cart").want(w.T, "cart in Node", "[1,2]")
		v.isNobody(express, "Node")
		v.isNobody(goApp.peer, "Go")
	}},
	{"the session's JSON is the same text on both sides", func(w *World) {
		express, goApp := w.pair()
		v := newVisitor(w.T)
		v.logIn(express, joe)
		v.post(express, "/set", map[string]any{"cart": []int{1, 2}}).ok(w.T, "set")
		byNode := v.get(express, "/session").text
		v.get(goApp.peer, "/session").want(w.T, "session", byNode)
	}},
}
