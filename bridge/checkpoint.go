package bridge

import (
	"context"
	"fmt"
	"slices"

	"github.com/seed-2837c37b/holdfast/queue"
)

// MaxCheckpoint is the size of the largest checkpoint, in bytes.
const MaxCheckpoint = queue.MaxCheckpoint

// ErrCheckpointTooLarge means that a checkpoint is above [MaxCheckpoint].
var ErrCheckpointTooLarge = queue.ErrCheckpointTooLarge

// Checkpoint keeps how far the job has come: it is on disk when Checkpoint
// returns nil, and every later attempt, also after a crash, finds it with
// [Job.LastCheckpoint]. It takes the place of the one before, an empty one
// removes it, and it goes when the job is complete. It stays with the data
// directory: an owner of the partition elsewhere does not have it.
//
// Each call costs an fsync, shared with what else is written at the time, and
// waits for it at most until ctx ends; with that error it may still be kept.
// It is refused with [ErrCheckpointTooLarge] above [MaxCheckpoint], and with
// another error when the run is over or the store does not know the job any
// more, because somebody set the group's offset past it. It is safe to call
// from any goroutine while the run goes on.
func (j *Job) Checkpoint(ctx context.Context, data []byte) error {
	if j.run != nil && j.run.stored.Stored() {
		return j.run.stored.Checkpoint(ctx, j.Offset, data)
	}
	if len(data) > MaxCheckpoint {
		return fmt.Errorf("checkpoint of %s: %d bytes are more than %d: %w", j, len(data), MaxCheckpoint, ErrCheckpointTooLarge)
	}
	return nil // run without a store, by Try
}

// LastCheckpoint returns a copy of what the attempts before this one have kept
// last; nil if nothing.
func (j *Job) LastCheckpoint() []byte {
	if j.run == nil {
		return nil
	}
	return slices.Clone(j.run.checkpoint())
}

// lastCheckpoint reads what a job has reached. One that is damaged is as good
// as none: the job does again what it had done since.
func (r *run) lastCheckpoint(taken *queue.Job) []byte {
	data, err := r.store.Checkpoint(taken)
	if err != nil {
		r.log.Error("the last checkpoint of a job cannot be read; the job begins anew", "job", fmt.Sprintf("%s@%d", taken.TopicPartition(), taken.Offset), "error", err)
	}
	return data
}
