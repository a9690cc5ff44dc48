package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"path/filepath"
	"slices"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/bridge/internal/flat"
)

// A method of inspect.Inspector is here three times: what is asked and answered,
// who answers it in the server, and who asks it in the client.
var (
	partitions = reading[none, []inspect.Partition]("/v1/partitions")
	jobs       = streaming[inspect.Query, inspect.Job]("/v1/jobs")
	parked     = streaming[inspect.Query, inspect.ParkedLane]("/v1/parked")
	pauses     = reading[none, []inspect.PauseEntry]("/v1/pauses")
	settings   = reading[none, []inspect.Setting]("/v1/settings")
	dead       = streaming[inspect.DeadQuery, inspect.DeadLetter]("/v1/dead")
	audit      = streaming[inspect.AuditQuery, inspect.AuditEntry]("/v1/audit")
	operations = reading[none, []inspect.BulkOperation]("/v1/operations")
	plan       = planning[inspect.Command, inspect.Plan]("/v1/plan")
	execute    = changing[planned, inspect.Operation]("/v1/execute")
	snapshot   = lasting(changing[target, inspect.SnapshotReport]("/v1/snapshot"))
)

func routesOf(i inspect.Inspector) []route {
	return append(viewsOf(i),
		partitions.by(func(ctx context.Context, _ none) ([]inspect.Partition, error) { return i.Partitions(ctx) }),
		jobs.by(i.Jobs),
		parked.by(i.Parked),
		pauses.by(func(ctx context.Context, _ none) ([]inspect.PauseEntry, error) { return i.Pauses(ctx) }),
		settings.by(func(ctx context.Context, _ none) ([]inspect.Setting, error) { return i.Settings(ctx) }),
		dead.by(i.Dead),
		audit.by(i.Audit),
		operations.by(func(ctx context.Context, _ none) ([]inspect.BulkOperation, error) { return i.Operations(ctx) }),
		plan.by(i.Plan),
		execute.by(func(ctx context.Context, p planned) (inspect.Operation, error) { return i.Execute(ctx, p.Plan) }),
		snapshot.by(func(ctx context.Context, t target) (inspect.SnapshotReport, error) { return i.Snapshot(ctx, t.Path) }),
	)
}

var _ inspect.Inspector = (*Client)(nil)

// Partitions asks the bridge for [inspect.Inspector.Partitions], as the other
// methods do for theirs.
func (c *Client) Partitions(ctx context.Context) ([]inspect.Partition, error) {
	return partitions.ask(ctx, c, none{})
}

func (c *Client) Jobs(ctx context.Context, q inspect.Query) iter.Seq2[inspect.Job, error] {
	return jobs.ask(ctx, c, q)
}

func (c *Client) Parked(ctx context.Context, q inspect.Query) iter.Seq2[inspect.ParkedLane, error] {
	return parked.ask(ctx, c, q)
}

func (c *Client) Pauses(ctx context.Context) ([]inspect.PauseEntry, error) {
	return pauses.ask(ctx, c, none{})
}

func (c *Client) Settings(ctx context.Context) ([]inspect.Setting, error) {
	return settings.ask(ctx, c, none{})
}

func (c *Client) Dead(ctx context.Context, q inspect.DeadQuery) iter.Seq2[inspect.DeadLetter, error] {
	return dead.ask(ctx, c, q)
}

func (c *Client) Audit(ctx context.Context, q inspect.AuditQuery) iter.Seq2[inspect.AuditEntry, error] {
	return audit.ask(ctx, c, q)
}

func (c *Client) Operations(ctx context.Context) ([]inspect.BulkOperation, error) {
	return operations.ask(ctx, c, none{})
}

func (c *Client) Plan(ctx context.Context, cmd inspect.Command) (inspect.Plan, error) {
	return plan.ask(ctx, c, cmd)
}

// Execute sends the plan without its samples and keys, on which nothing depends.
func (c *Client) Execute(ctx context.Context, p inspect.Plan) (inspect.Operation, error) {
	p.Sample, p.DeadSample, p.Again = nil, nil, slices.Clone(p.Again)
	for i := range p.Again {
		p.Again[i].Key = nil
	}
	return execute.ask(ctx, c, planned{p})
}

// target is where a snapshot goes, for the bridge.
type target struct {
	Path string `json:"path"`
}

// Validate refuses what depends on where a bridge was started.
func (t target) Validate() error {
	if !filepath.IsAbs(t.Path) {
		return fmt.Errorf("path is %q: name the directory with its whole path", t.Path)
	}
	return nil
}

// Snapshot lets the bridge write the copy: path is one of its machine and user.
func (c *Client) Snapshot(ctx context.Context, path string) (inspect.SnapshotReport, error) {
	return snapshot.ask(ctx, c, target{path})
}

// planned is a plan that comes back to be executed. What its command asks for
// has to be understood; the rest was ours.
type planned struct{ inspect.Plan }

var (
	planForm    = flat.Of[inspect.Plan]()
	commandForm = flat.Of[inspect.Command]()
)

func (p *planned) askedIn(body []byte) error {
	if err := planForm.Unmarshal(body, &p.Plan); err != nil {
		return err
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(body, &given); err != nil || given["command"] == nil {
		return errors.Join(errors.New("it has no command"), err)
	}
	p.Command = inspect.Command{}
	if err := commandForm.UnmarshalStrict(given["command"], &p.Command); err != nil {
		return err
	}
	for _, list := range slices.Sorted(maps.Keys(targetNames)) {
		if err := allNamed(given[list], targetNames[list]); err != nil {
			return fmt.Errorf("%s%w", list, err)
		}
	}
	return nil
}

// targetNames are the lists of a plan that say what is changed, with the members
// that name each entry.
var targetNames = map[string][]string{
	"jobs":     {"topic", "partition", "offset"},
	"dead":     {"topic", "partition", "offset", "number"},
	"again":    {"topic", "partition", "offset"},
	"lanes":    {"topic", "partition", "offset", "lane_id", "own_lane"},
	"pauses":   {"topic", "partition", "of_lane", "lane_id"},
	"seeks":    {"topic", "partition", "to"},
	"forgets":  {"topic", "partition"},
	"cutoffs":  {"topic", "partition", "below_offset"},
	"settings": {"topic", "name", "value"},
}

// nullable is the one member whose null says something: the setting is unset.
const nullable = "value"

// allNamed refuses an entry without one of these members: it would be taken for
// zero, as another job, partition, lane or setting.
func allNamed(list json.RawMessage, members []string) error {
	var entries []map[string]json.RawMessage
	if len(list) == 0 {
		return nil
	}
	if err := json.Unmarshal(list, &entries); err != nil {
		return fmt.Errorf(": %w", err)
	}
	for at, entry := range entries {
		for _, member := range members {
			if raw := entry[member]; raw == nil || string(raw) == "null" && member != nullable {
				return fmt.Errorf("[%d] has no %s", at, member)
			}
		}
	}
	return nil
}

// Validate is that of the command.
func (p planned) Validate() error { return p.Command.Validate() }
