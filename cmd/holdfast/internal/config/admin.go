package config

import (
	"fmt"
	"os/user"
	"strconv"

	"github.com/seed-2837c37b/holdfast/bridge/admin"
)

// Admin is how commands reach the running bridge.
type Admin struct {
	Socket   string // auto, none or a path
	Group    string // whose members may connect, too; empty: nobody's
	ReadOnly bool
}

const (
	socketAuto = "auto" // in the data directory
	socketNone = "none"
)

func (a *Admin) fields() fields {
	return fields{
		{"socket", socketPath{value[string]{&a.Socket, text}}},
		{"socket_group", one(&a.Group, group)},
		{"read_only", one(&a.ReadOnly, boolean)},
	}
}

// SocketPath is where the running bridge is reached; empty: nowhere.
func (c *Config) SocketPath() string {
	switch c.Admin.Socket {
	case socketNone:
		return ""
	case socketAuto:
		return admin.SocketPath(c.DataDir)
	}
	return c.Admin.Socket
}

// socketPath is the codec of a path, or of a word for one.
type socketPath struct{ value[string] }

func (c socketPath) decode(n node) {
	got, ok := read(n, c.kind)
	if ok && got != socketAuto && got != socketNone {
		got = n.resolve(got)
	}
	if ok {
		*c.to = got
	}
}

// group is a group of this machine, by name or number.
var group = kind[string]{
	parse: func(s string) (string, error) {
		if _, err := strconv.ParseUint(s, 10, 32); err == nil {
			return s, nil
		}
		if _, err := user.LookupGroup(s); err != nil {
			return "", fmt.Errorf("there is no group %q on this machine", s)
		}
		return s, nil
	},
	format: func(s string) string { return s },
}
