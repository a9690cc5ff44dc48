package bridge

// produce reports what is wrong with what the jobs of a topic produce.
func (v *validator) produce(at string, p Produce, topics []Topic) {
	v.target(at+".Topic", p.Topic, p.AllowLoop, topics)
	if p.Results && p.Topic == "" {
		v.add(at+".Topic", "is empty; name the topic that the results go to")
	}
	if p.Key > NoKey {
		v.add(at+".Key", "%d is unknown; use KeyOfRecord, KeyOfLane or NoKey", p.Key)
	}
	if _, err := hashNamed(p.Partitioner); err != nil {
		v.add(at+".Partitioner", "%v", err)
	}
}

// deadTopic reports what is wrong with where copies of dead letters go.
func (v *validator) deadTopic(at string, d DeadLetter, topics []Topic) {
	v.target(at+".Topic", d.Topic, d.AllowLoop, topics)
	if _, err := hashNamed(d.Partitioner); err != nil {
		v.add(at+".Partitioner", "%v", err)
	}
}

// target reports a topic that cannot be produced to, or that the bridge consumes
// itself.
func (v *validator) target(at, name string, allowed bool, topics []Topic) {
	if name == "" {
		return
	}
	if !validTopicName(name) {
		v.add(at, "%q cannot be a Kafka topic: 1 to 249 of letters, digits, '.', '_' and '-'", name)
		return
	}
	if by := consumer(name, topics); by != "" && !allowed {
		v.add(at, "this bridge consumes %s itself, by its entry %s: what it produces would become its jobs; choose another topic, or set AllowLoop", name, by)
	}
}

// consumer names the entry through which a topic is consumed; "": none.
func consumer(name string, topics []Topic) string {
	for _, t := range topics {
		if t.Name == name {
			return t.selector()
		}
	}
	for _, t := range topics {
		if t.Match == "" {
			continue
		}
		if whole, err := wholeName(t.Match); err == nil && whole.MatchString(name) {
			return t.selector()
		}
	}
	return ""
}
