import { describe } from 'node:test'
import { compactionContract } from './compactions.ts'
import type { EngineKind } from './harness.ts'
import { leaseContract } from './leases.ts'
import { lifetimeContract } from './lifetimes.ts'
import { propertyContract } from './properties.ts'
import { rangeContract } from './ranges.ts'
import { transactionContract } from './transactions.ts'
import { watchContract } from './watches.ts'

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
