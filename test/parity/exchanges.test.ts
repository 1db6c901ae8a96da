import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { readArea } from './corpus.ts'
import { readOpen } from './open.ts'
import { describeOutcome, verdict } from './replay.ts'
import { type TestServer, startTestServer } from './server.ts'

/** Every recorded exchange with an API server, topic by topic, against ours. */
const AREAS = [
  { area: 'api', jobs: 8 },
  { area: 'kinds', jobs: 8 },
  { area: 'extend', jobs: 8 },
  { area: 'extend-alone', jobs: 1 },
  { area: 'more', jobs: 8 },
]

describe('answers as kube-apiserver 1.36 does', () => {
  let server: TestServer
  before(async () => {
    server = await startTestServer('apiserver')
  })
  after(() => server[Symbol.asyncDispose]())

  const open = readOpen()
  for (const { area, jobs } of AREAS)
    for (const topic of readArea(area))
      it(topic.name, async () => {
        const { broken, stale } = await verdict(server.target, [topic], { jobs }, open)
        assert.equal(broken.map((outcome) => describeOutcome(outcome)).join('\n'), '', 'not as recorded')
        assert.equal(stale.map((outcome) => outcome.scenario).join('\n'), '', 'passes now: take it off test/parity/open.json')
      })
})
