package admin

import (
	"context"
	"iter"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// The views: what is looked at, and changes nothing.
var (
	status  = reading[none, inspect.Status]("/v1/status")
	lanes   = streaming[inspect.LaneQuery, inspect.Lane]("/v1/lanes")
	job     = needing(reading[inspect.Name, inspect.JobDetail]("/v1/job"), "topic", "partition", "offset")
	workers = reading[none, []inspect.Worker]("/v1/workers")
	disk    = reading[none, inspect.Disk]("/v1/disk")
	explain = needing(reading[where, inspect.Explanation]("/v1/explain"), "topic", "partition")
)

// where is what to explain: a partition, or one offset of it.
type where struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    *int64 `json:"offset"`
}

func viewsOf(i inspect.Inspector) []route {
	return []route{
		status.by(func(ctx context.Context, _ none) (inspect.Status, error) { return i.Status(ctx) }),
		lanes.by(i.Lanes),
		job.by(i.Job),
		workers.by(func(ctx context.Context, _ none) ([]inspect.Worker, error) { return i.Workers(ctx) }),
		disk.by(func(ctx context.Context, _ none) (inspect.Disk, error) { return i.Disk(ctx) }),
		explain.by(func(ctx context.Context, w where) (inspect.Explanation, error) {
			return i.Explain(ctx, w.Topic, w.Partition, w.Offset)
		}),
	}
}

func (c *Client) Status(ctx context.Context) (inspect.Status, error) {
	return status.ask(ctx, c, none{})
}

func (c *Client) Lanes(ctx context.Context, q inspect.LaneQuery) iter.Seq2[inspect.Lane, error] {
	return lanes.ask(ctx, c, q)
}

func (c *Client) Job(ctx context.Context, name inspect.Name) (inspect.JobDetail, error) {
	return job.ask(ctx, c, name)
}

func (c *Client) Workers(ctx context.Context) ([]inspect.Worker, error) {
	return workers.ask(ctx, c, none{})
}

func (c *Client) Disk(ctx context.Context) (inspect.Disk, error) { return disk.ask(ctx, c, none{}) }

func (c *Client) Explain(ctx context.Context, topic string, partition int32, offset *int64) (inspect.Explanation, error) {
	return explain.ask(ctx, c, where{topic, partition, offset})
}
