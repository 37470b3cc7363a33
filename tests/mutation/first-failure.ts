import fc from "fast-check";

// Loaded before the tests of a mutant: one failing example is enough, nobody reads the smallest. Always the same examples, or the score
// would be another each time.
fc.configureGlobal({ endOnFailure: true, seed: 1 });
