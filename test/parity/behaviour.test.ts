import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { readArea } from './corpus.ts'
import { judge, readOpen } from './open.ts'
import { type Outcome, describeOutcome, replay } from './replay.ts'
import { type TestServer, startTestServer } from './server.ts'

/** Every recorded behaviour of controllers and scheduler against ours. Scenarios wait for outcomes, so all topics run side by side. */
const JOBS = 12

describe('controllers and scheduler behave as those of Kubernetes 1.36', () => {
  let server: TestServer
  let outcomes: readonly Outcome[]
  const topics = readArea('behave')
  before(async () => {
    server = await startTestServer('server')
    outcomes = await replay(server.target, topics, { jobs: JOBS, behaviour: true })
  })
  after(() => server[Symbol.asyncDispose]())

  const open = readOpen()
  for (const topic of topics)
    it(topic.name, () => {
      const { broken, stale } = judge(
        outcomes.filter((outcome) => outcome.topic === topic.name),
        open,
      )
      assert.equal(broken.map((outcome) => describeOutcome(outcome)).join('\n'), '', 'not as recorded')
      assert.equal(stale.map((outcome) => outcome.scenario).join('\n'), '', 'passes now: take it off test/parity/open.json')
    })
})
