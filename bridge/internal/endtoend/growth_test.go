package endtoend

import (
	"context"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// Partitions that are added are seen within a minute. A static member that is
// alone and has restarted is told that its old self leads the group, and no
// client library watches partitions then.
func testMorePartitions(t *testing.T, k *kafka) {
	topic, seen := topicOf(t), make(chan string, 2)
	k.create(t, topic, 1)
	for _, group := range []string{topic + ".static", topic + ".dynamic"} {
		cfg := k.settings(t, bridge.Topic{Name: topic, Handler: bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
			if job.Partition == 2 {
				seen <- group
			}
			return nil
		})})
		cfg.Group = group
		taken := make(chan struct{}, 8)
		cfg.Hooks = &bridge.Hooks{Assigned: func(bridge.Assigned) { taken <- struct{}{} }}
		if group == topic+".dynamic" {
			cfg.InstanceID = bridge.Dynamic
		} else {
			first := embed(t, cfg)
			<-taken
			first.mustStop(t)
		}
		embed(t, cfg)
		<-taken
	}
	if err := k.admin.CreatePartitions(topic, 3, nil, false); err != nil {
		t.Fatal(err)
	}
	added := time.Now()
	k.waitLed(t, topic, 3)
	k.produce(t, numbered(topic, 3, 1)...)
	for range 2 {
		select {
		case group := <-seen:
			t.Logf("group %s has the new partition after %v", group, milliseconds(time.Since(added)))
		case <-time.After(time.Minute):
			t.Fatal("a new partition was not seen within a minute")
		}
	}
}
