package config

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestWhereTheSocketIs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                           "/var/lib/holdfast/admin.sock",
		"admin: {socket: auto}":      "/var/lib/holdfast/admin.sock",
		"admin: {socket: none}":      "",
		"admin: {socket: ../x.sock}": "/etc/x.sock",
		"admin: {socket: /run/h.s}":  "/run/h.s",
	} {
		content := strings.Replace(smallest, "./data", "/var/lib/holdfast", 1) + text
		if got := mustLoad(t, content, Input{}).SocketPath(); got != want {
			t.Errorf("%q: the socket is %q, want %q", text, got, want)
		}
	}
}

func TestAGroupThatCannotReachTheSocketIsWarnedOf(t *testing.T) {
	t.Parallel()
	open := t.TempDir()
	if err := os.Chmod(open, 0o710); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"data_dir: /no/such\nadmin: {socket_group: 0}":                             true,
		"data_dir: /no/such\nadmin: {socket_group: 0, socket: /run/holdfast.sock}": false,
		"data_dir: " + open + "\nadmin: {socket_group: 0}":                         false,
		"data_dir: /no/such": false,
	} {
		warned := strings.Contains(fmt.Sprint(mustLoad(t, strings.Replace(smallest, "data_dir: ./data", text, 1), Input{}).Warnings()), "admin.socket_group")
		if warned != want {
			t.Errorf("%q is warned of: %v, want %v", text, warned, want)
		}
	}
}
