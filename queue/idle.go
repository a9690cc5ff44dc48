package queue

import "slices"

// idlers are the callers of Take that wait for a job. The last one to come is
// woken first: what it works with is still in the processor's caches, and with
// little to do the others are left asleep. Guarded by Store.mu.
type idlers struct {
	waiting []chan struct{} // of one place; a token wakes
	spare   []chan struct{}
}

// add returns what the caller waits on.
func (i *idlers) add() chan struct{} {
	var c chan struct{}
	if last := len(i.spare) - 1; last >= 0 {
		c, i.spare = i.spare[last], i.spare[:last]
	} else {
		c = make(chan struct{}, 1)
	}
	i.waiting = append(i.waiting, c)
	return c
}

// done takes back the channel of a caller that was woken.
func (i *idlers) done(c chan struct{}) { i.spare = append(i.spare, c) }

// leave ends the wait of a caller that has not taken its token.
func (i *idlers) leave(c chan struct{}) {
	if at := slices.Index(i.waiting, c); at >= 0 {
		i.waiting = slices.Delete(i.waiting, at, at+1)
	} else {
		<-c // it was woken meanwhile
	}
	i.done(c)
}

// wake reports whether there was one to wake.
func (i *idlers) wake() bool {
	last := len(i.waiting) - 1
	if last < 0 {
		return false
	}
	i.waiting[last] <- struct{}{}
	i.waiting = i.waiting[:last]
	return true
}

// wakeAll is for what every caller must look at.
func (i *idlers) wakeAll() {
	for i.wake() {
	}
}
