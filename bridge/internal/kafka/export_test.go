package kafka

// Cut closes the producer's connections.
func (p *Producer) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.client.connections.cut()
}
