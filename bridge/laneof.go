package bridge

import "github.com/seed-2837c37b/holdfast/queue"

// LaneOf tells the lanes of a bridge with this configuration to who inspects its
// store while it does not run: it is for [inspect.Options]. With it a lane is
// found by a key though none of its jobs is stored. What concerns Kafka and the
// store is not looked at.
func LaneOf(cfg Config) (func(topic string, key, name []byte) (queue.Lane, bool), error) {
	if err := cfg.validateWork(); err != nil {
		return nil, err
	}
	routes, err := newRoutes(cfg.withDefaults())
	if err != nil {
		return nil, err
	}
	return routes.laneOf, nil
}

// laneOf finds a lane by the key of its records or by its name.
func (r *routes) laneOf(topic string, key, name []byte) (queue.Lane, bool) {
	to, err := r.find(topic)
	if err != nil {
		return queue.Lane{}, false
	}
	lane, ok := to.lanes.Named(name)
	if key != nil {
		lane, ok = to.lanes.OfKey(key)
	}
	return queue.Lane(lane), ok
}
