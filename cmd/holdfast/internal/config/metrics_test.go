package config

import (
	"strings"
	"testing"
)

func TestMetricsListen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, want string
		wrong      string // in the error; empty: it is right
		warned     bool
	}{
		{text: "127.0.0.1:9464", want: "127.0.0.1:9464"},
		{text: "localhost:0", want: "localhost:0"},
		{text: "[::1]:9464", want: "[::1]:9464"},
		{text: "none", want: ""},
		{text: ":9464", want: ":9464", warned: true},
		{text: "0.0.0.0:9464", want: "0.0.0.0:9464", warned: true},
		{text: "10.0.0.7:9464", want: "10.0.0.7:9464", warned: true},
		{text: "bridge.internal:9464", want: "bridge.internal:9464", warned: true},
		{text: "9464", wrong: "is not host:port"},
		{text: "127.0.0.1:http", wrong: "has no port from 0 to 65535"},
		{text: "127.0.0.1:70000", wrong: "has no port from 0 to 65535"},
	} {
		got, err := listenAddress.parse(c.text)
		if (err != nil) != (c.wrong != "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: %v, want an error with %q", c.text, err, c.wrong)
			continue
		}
		m := Metrics{Listen: got}
		if got != c.want || len(m.warnings()) > 0 != c.warned {
			t.Errorf("%s is %q, with the warnings %q", c.text, got, m.warnings())
		}
		if back := listenAddress.format(got); err == nil && back != c.text {
			t.Errorf("%s is printed as %s", c.text, back)
		}
	}
}
