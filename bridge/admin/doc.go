// Package admin lets other processes of the machine use the inspector of a
// running bridge: HTTP with JSON over a unix socket, versioned by the path.
// [Server] answers and [Dial] asks; what Dial returns is an [inspect.Inspector]
// like any other.
//
//	listener, err := admin.Listen(admin.SocketPath(dataDir), admin.ListenOptions{})
//	...
//	server, err := admin.NewServer(admin.Config{Inspector: b.Inspector()})
//	...
//	err = server.Serve(ctx, listener)
//
// and elsewhere:
//
//	client, err := admin.Dial(ctx, admin.SocketPath(dataDir))
//	if errors.Is(err, inspect.ErrNotRunning) {
//		... no bridge serves there: inspect.Open(dataDir) ...
//	}
//	defer client.Close()
//
// openapi.json describes the requests and answers for other clients, and the
// socket serves it as well:
//
//	curl --unix-socket /var/lib/holdfast/admin.sock 'http://holdfast/v1/jobs?topic=orders&states=halted'
//
// # Guarantees
//
//   - Who may connect is a matter of the socket file: its owner alone, or a
//     group as well. There is no listening on TCP.
//   - A read-only server carries no command out; it still makes plans.
//   - Lists are streamed. Neither a lock nor a read transaction is held while a
//     client takes its time; one that takes nothing for half a minute is cut off.
//   - Requests are bounded in size, time and number. What is malformed, too
//     large or too much is refused with a sentence, and changes nothing.
//   - A command that was cut off, because its client went away, has been carried
//     out for none, some or all of its jobs, never half for one. The log says for
//     which, and the command can be repeated.
//   - Whatever is changed is known by its client's user id, which the kernel
//     tells, not the client.
package admin
