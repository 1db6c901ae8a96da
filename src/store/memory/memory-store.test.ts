import { engineContract } from '../contract/engine-contract.suite.ts'
import { openMemoryStore } from './memory-store.ts'

engineContract(
  {
    name: 'memory',
    durable: false,
    home: () => ({ open: async (scope) => openMemoryStore(scope), remove: async () => undefined }),
  },
  { propertyRuns: 200 },
)
