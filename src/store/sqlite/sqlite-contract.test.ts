import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { engineContract } from '../contract/engine-contract.suite.ts'
import { openSqliteStore } from './sqlite-store.ts'

for (const recentBytes of [0, 2 * 2 ** 20]) {
  engineContract(
    {
      name: `sqlite, ${recentBytes} bytes of recent values`,
      durable: true,
      home: () => {
        const directory = mkdtempSync(join(tmpdir(), 'sampan-store-'))
        return {
          open: (scope) => openSqliteStore(scope, { path: join(directory, 'store.db'), recentBytes }),
          remove: () => rm(directory, { recursive: true }),
        }
      },
    },
    { propertyRuns: 60 },
  )
}
