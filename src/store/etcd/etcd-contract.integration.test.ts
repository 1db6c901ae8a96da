import { after, before, describe } from 'node:test'
import { rootScope } from '#base'
import { engineContract } from '../contract/engine-contract.suite.ts'
import { type EtcdServer, WITHOUT_ETCD, startEtcd } from '#testing'
import { openEtcdStore } from './etcd-store.ts'
import { PartOfStore } from './part-of-store.fixture.ts'

describe('etcd', { skip: WITHOUT_ETCD }, () => {
  let server: EtcdServer
  let homes = 0
  before(async () => {
    server = await startEtcd()
  })
  after(() => server[Symbol.asyncDispose]())

  engineContract(
    {
      name: 'etcd',
      durable: true,
      remote: true,
      home: () => {
        const prefix = `home ${++homes}/`
        let firstRevision: number | undefined
        return {
          // The clock of the test is not etcd's.
          open: async () => {
            const engine = await openEtcdStore(rootScope(), { endpoints: [server.url] })
            firstRevision ??= engine.revision
            return new PartOfStore(engine, prefix, firstRevision)
          },
          remove: async () => undefined,
        }
      },
    },
    { propertyRuns: 5 },
  )
})
