package kafka

import "time"

// Cut closes the producer's connections.
func (p *Producer) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.client.connections.cut()
}

// Mark and ReadMark are what a client id is made of.
var ReadMark = readMark

func Mark(o Opening, clientID string, session time.Duration) string { return o.mark(clientID, session) }
