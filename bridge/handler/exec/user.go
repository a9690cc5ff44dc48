package exec

import (
	"errors"
	"fmt"
	"os"
	osuser "os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// user is whom processes run as. A nil *user is the bridge's own.
type user struct {
	uid, gid uint32
	groups   []uint32
	entry    *osuser.User // nil: the system does not know the uid
}

// findUser finds NAME, UID, NAME:GID or UID:GID, if the bridge can become it.
func findUser(spec string) (*user, error) {
	name, gid, hasGroup := strings.Cut(spec, ":")
	u := &user{}
	if err := u.find(name); err != nil {
		return nil, err
	}
	if hasGroup {
		var err error
		if u.gid, err = parseID(gid); err != nil {
			return nil, fmt.Errorf("%q is not a gid: write a number", gid)
		}
	}
	if u.entry == nil && !hasGroup {
		return nil, fmt.Errorf("the system does not know this uid; write %s:GID to use it all the same", name)
	}
	if !slices.Contains(u.groups, u.gid) {
		u.groups = append(u.groups, u.gid)
	}
	if !u.own() {
		if err := maySwitch(); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// find looks up a name or a uid. A uid need not be known.
func (u *user) find(name string) (err error) {
	if u.uid, err = parseID(name); err == nil {
		u.entry, err = osuser.LookupId(name)
		if errors.As(err, new(osuser.UnknownUserIdError)) {
			u.entry = nil
			return nil
		}
	} else {
		u.entry, err = osuser.Lookup(name)
		if errors.As(err, new(osuser.UnknownUserError)) {
			return errors.New("there is no such user; name one that exists, or write UID:GID")
		}
	}
	if err != nil {
		return err
	}
	groups, err := u.entry.GroupIds()
	if err != nil {
		return err
	}
	for _, id := range groups {
		gid, err := parseID(id)
		if err != nil {
			return err
		}
		u.groups = append(u.groups, gid)
	}
	uid, uidErr := parseID(u.entry.Uid)
	gid, gidErr := parseID(u.entry.Gid)
	u.uid, u.gid = uid, gid
	return errors.Join(uidErr, gidErr)
}

// parseID reads a uid or gid; the highest stands for none in system calls.
func parseID(text string) (uint32, error) {
	id, err := strconv.ParseUint(text, 10, 32)
	if err == nil && id == 1<<32-1 {
		err = strconv.ErrRange
	}
	return uint32(id), err
}

// own tells whether the bridge itself runs as u.
func (u *user) own() bool {
	return u == nil || int(u.uid) == os.Geteuid() && int(u.gid) == os.Getegid()
}

// credential is what a process is started with; nil: as the bridge.
func (u *user) credential() *syscall.Credential {
	if u.own() {
		return nil
	}
	return &syscall.Credential{Uid: u.uid, Gid: u.gid, Groups: u.groups}
}

// environment is env with the variables that say who and where the user is.
func (u *user) environment(env []string) []string {
	if u == nil {
		return env
	}
	env = slices.DeleteFunc(slices.Clone(env), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return name == "HOME" || name == "USER" || name == "LOGNAME"
	})
	if u.entry == nil {
		return env
	}
	return append(env, "HOME="+u.entry.HomeDir, "USER="+u.entry.Username, "LOGNAME="+u.entry.Username)
}

// maySwitch says why processes cannot be run as another user. Capabilities without root
// are not enough: those that a process inherits beyond a change of user would go on to
// the jobs.
func maySwitch() error {
	if uid := os.Geteuid(); uid != 0 {
		return fmt.Errorf("only root can run processes as somebody else, and this is uid %d; run holdfast as root, or as that user without this setting", uid)
	}
	return missingCapability()
}
