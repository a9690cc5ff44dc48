// Package bulk carries stored operations to their end: a requeue of a hundred
// thousand dead letters, a retry of every halted job, a release of all parked lanes.
// Such an operation is an [Entry] of the store's ledger. An [Engine] takes what it is
// about bit by bit, at its pace, over restarts and rebalances, follows what it has let
// run, and ends it when nothing is left or when too much of that ran in vain.
//
// What an operation is about is its [Work]: dead [Letters], [Jobs] or parked [Lanes],
// each with the few functions that say which of them are meant and what is done to
// one. They speak of the store only; what a command is, a query or a plan, is not
// known here.
//
//	engine := bulk.Engine{
//		Store: store, Logger: logger, Now: time.Now, Refusal: refusalOf, Ended: audit,
//		Open: func(op bulk.Operation) (bulk.Work, bulk.Terms, error) {
//			discard := bulk.Letters{Kind: kind, Select: selected, Refuse: refused, Act: discard}
//			return discard, bulk.Terms{Rate: 100, StopAt: 1}, nil
//		},
//	}
//	err := engine.Execute(ctx) // until ctx ends
//
// # Guarantees
//
//   - Each letter, job or lane is taken once, whatever crashes: what is taken is in the
//     ledger no later than the act, as a mark that stays out until its fate is known.
//   - Of two operations that want the same one, it is the earlier one's, as [Claim]
//     tells.
//   - The entry stays within what the ledger has room for, however many are refused.
//   - The ledger's copy counts: an operator who has ended an operation there is obeyed
//     before anything else is taken.
package bulk
