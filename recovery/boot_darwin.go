package recovery

import "golang.org/x/sys/unix"

// bootID names the time since the machine was started; "" if that cannot be
// told.
func bootID() string {
	id, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return ""
	}
	return id
}
