import { describe } from 'node:test'
import { compactionContract } from './compactions.suite.ts'
import type { EngineKind } from './harness.fixture.ts'
import { leaseContract } from './leases.suite.ts'
import { lifetimeContract } from './lifetimes.suite.ts'
import { propertyContract } from './properties.suite.ts'
import { rangeContract } from './ranges.suite.ts'
import { transactionContract } from './transactions.suite.ts'
import { watchContract } from './watches.suite.ts'

/** The tests that every engine passes: what `engine.ts` promises. */
export function engineContract(kind: EngineKind, options: { readonly propertyRuns: number }): void {
  describe(`engine contract: ${kind.name}`, () => {
    transactionContract(kind)
    rangeContract(kind)
    watchContract(kind)
    compactionContract(kind)
    leaseContract(kind)
    lifetimeContract(kind)
    propertyContract(kind, options.propertyRuns)
  })
}
