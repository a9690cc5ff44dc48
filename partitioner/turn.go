package partitioner

// turn deals offsets out over n places. A round is n offsets from a multiple of
// n on, and takes every place once. The place at which a round begins is hashed:
// where visible offsets lie a fixed stride apart (transactions of one record
// leave a marker at every other offset), the plain remainder would use only some
// of the places, and those for ever.
func turn(offset int64, n int) uint64 {
	size := uint64(n)
	round, place := uint64(offset)/size, uint64(offset)%size
	return (turnSeed.hashNumber(round)%size + place) % size
}
