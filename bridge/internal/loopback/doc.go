// Package loopback reserves ports of 127.0.0.1 for servers that tests start, stop
// and start again. A port that is merely found free is taken now and then by
// another process before the server listens. Elsewhere than on Linux that is all
// that can be had.
//
//	ports, release, err := loopback.Reserve(2)
//	defer release()
package loopback
