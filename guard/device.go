package guard

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"unicode"

	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// Device is the browser from which a user logged in. It is stored with the log-in and
// deleted with it, also while another guard's log-in stays in the session. It is personal
// data, by which users recognise their sessions; nothing else depends on it.
type Device struct {
	Name    string `json:"name,omitempty"`    // such as the User-Agent header, as it was sent
	Address string `json:"address,omitempty"` // the client's
}

// Browser returns a short name for people, such as "Firefox on Windows", where Name is the User-Agent header of
// a usual browser, and "" otherwise. It is a guess: a client can send any header.
func (d Device) Browser() string {
	browser := firstIn(d.Name, browserNames)
	if system := firstIn(d.Name, systemNames); browser != "" && system != "" {
		return browser + " on " + system
	}
	return browser
}

// What a User-Agent header has in it, and what that stands for: the first counts, since most browsers name
// others too.
var (
	browserNames = [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"FxiOS/", "Firefox"},
		{"Firefox/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
	}
	systemNames = [][2]string{
		{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"CrOS", "ChromeOS"}, {"Windows", "Windows"},
		{"Mac OS", "macOS"}, {"Linux", "Linux"},
	}
)

func firstIn(text string, names [][2]string) string {
	for _, name := range names {
		if strings.Contains(text, name[0]) {
			return name[1]
		}
	}
	return ""
}

// deviceKey is the key under which the session has the device of this guard's log-in.
func (g *Guard[U]) deviceKey() session.Key[Device] {
	return session.Key[Device](reqstate.DevicePrefix + g.cfg.SessionKey)
}

// maxDevice is the largest length of a Device's fields in bytes.
const maxDevice = 256

// ClientDevice returns a function for Config.Device that stores the User-Agent header and
// the client's address, which is found behind the given proxies as [strategy.ClientAddr]
// does. Escape them when you show them: a client can send any header.
func ClientDevice(trustedProxies ...netip.Prefix) func(*http.Request) Device {
	return func(r *http.Request) Device {
		return Device{Name: r.UserAgent(), Address: strategy.ClientAddr(r, trustedProxies).String()}
	}
}

// noteDevice stores the device in the session of a log-in.
func (g *Guard[U]) noteDevice(r *http.Request) error {
	s, err := g.cfg.Sessions.Session(r.Context())
	if err != nil {
		return fmt.Errorf("note the device: %w", err)
	}
	d := g.cfg.Device(r)
	if err := g.deviceKey().Set(s, Device{plainText(d.Name), plainText(d.Address)}); err != nil {
		return fmt.Errorf("note the device: %w", err)
	}
	return nil
}

// plainText returns text without control characters, cut to the largest length.
func plainText(text string) string {
	text = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(text, ""))
	if len(text) > maxDevice {
		text = strings.ToValidUTF8(text[:maxDevice], "")
	}
	return text
}
