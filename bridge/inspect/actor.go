package inspect

import "context"

type actorKey struct{}

// As tells in whose name the calls with the returned context act: the audit trail
// names the actor. "uid 1000 (eva)" is what the command line gives.
func As(ctx context.Context, actor string) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

// Program is the actor where [As] was not called: the program that the bridge is
// part of.
const Program = "program"

// ActorOf returns the actor of a context.
func ActorOf(ctx context.Context) string {
	if actor, _ := ctx.Value(actorKey{}).(string); actor != "" {
		return actor
	}
	return Program
}
