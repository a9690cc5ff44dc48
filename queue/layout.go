package queue

// layout is the sizes that decide how jobs are laid out in the file. They are
// the writer's choice alone: a file may have been written with others.
type layout struct {
	// blockBytes and blockRows bound a block.
	blockBytes int64
	blockRows  int32
	// bucketBytes is the size from which a block is a bucket of its own:
	// bbolt then never rewrites it together with its neighbours.
	bucketBytes int64
	// mergeRun is the number of neighbouring small blocks that are merged.
	mergeRun int
	// deadBytes is what finished jobs may take up in the blocks of a store.
	// Below it no block is rewritten for their sake: a backlog that drains
	// finishes its blocks soon, and a finished one is deleted for nothing.
	deadBytes int64
	// rewriteBytes bounds what one flush copies to reclaim room, so that a
	// flush stays short; the rest is done by the next ones.
	rewriteBytes int64
	// A file is worth compacting by itself when it is larger than drainedFile
	// and has drained to less than a quarter of it, and to so little that the
	// copy is short.
	drainedFile, drainedInUse int64
}

func standardLayout() layout {
	return layout{
		blockBytes:   512 << 10,
		blockRows:    4096,
		bucketBytes:  16 << 10,
		mergeRun:     32,
		deadBytes:    8 << 20,
		rewriteBytes: 4 << 20,
		drainedFile:  100 << 20,
		drainedInUse: 32 << 20,
	}
}
